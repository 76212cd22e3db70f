/** Finds and reads `registries.conf` and the files that add to it (containers-registries.conf.d(5)). */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CairnError, hasCode, toCairnError } from '../../core/errors.js';
import { MAX_CONFIG_FILE } from '../../core/limits.js';
import { parseToml } from '../../core/toml.js';
import { readSmallFile } from '../../disk/small-file.js';
import type { Environment } from '../credentials/auth-places.js';
import { mergeConfs, parseConf, type RegistriesConf } from './conf.js';

const SYSTEM = '/etc/containers';
const FILE = 'registries.conf';

/**
 * The user's file takes the place of the system's, and then the system's additions do not count either. A file that the
 * environment's `CONTAINERS_REGISTRIES_CONF` names takes the place of both files, and all additions count.
 * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND` for a file that was named, `ERR_LIMIT`, `ERR_IO`
 */
export async function readRegistriesConf(env: Environment = process.env, system = SYSTEM): Promise<RegistriesConf> {
  const user = join(env['HOME'] || homedir(), '.config', 'containers');
  const named = env['CONTAINERS_REGISTRIES_CONF'] || undefined;
  const isUsers = named === undefined && fs.existsSync(join(user, FILE));
  const main = named ?? join(isUsers ? user : system, FILE);
  const additions = [...(isUsers ? [] : [system]), user].flatMap((dir) => filesIn(join(dir, `${FILE}.d`)));
  const confs: RegistriesConf[] = [];
  for (const path of [main, ...additions]) {
    const bytes = readSmallFile(path, MAX_CONFIG_FILE);
    if (bytes !== undefined) confs.push(parseConf(await parseToml(bytes, path), path));
    else if (path === named) throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path });
  }
  return mergeConfs(confs);
}

function filesIn(dir: string): string[] {
  try {
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.name.endsWith('.conf') && !entry.isDirectory())
      .map(({ name }) => join(dir, name))
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw toCairnError(error);
  }
}
