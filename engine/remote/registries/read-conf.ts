/** Finds and reads `registries.conf` and the files that add to it (containers-registries.conf.d(5)). */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CairnError, hasCode, toCairnError } from '../../core/errors.js';
import { MAX_CONFIG_FILE } from '../../core/limits.js';
import { parseToml } from '../../core/toml.js';
import { readSmallFile } from '../../disk/small-file.js';
import type { Environment } from '../credentials/auth-places.js';
import { mergeConfs, parseAliases, parseConf, type RegistriesConf } from './conf.js';

const FILE = 'registries.conf';
/** What people chose when podman asked them what a short name means. Podman writes it. */
const CHOSEN = 'short-name-aliases.conf';

/** Directories in which containers' programs keep what concerns images. */
export interface ConfPlaces {
  /** What the administrator says. */
  system: string;
  /** What the user says. */
  user: string;
  /** What podman keeps for the user. */
  cache: string;
}

export function confPlaces(env: Environment, isRoot = process.geteuid?.() === 0): ConfPlaces {
  const home = env['HOME'] || homedir();
  const cache = isRoot ? '/var/cache' : env['XDG_CACHE_HOME'] || join(home, '.cache');
  const system = '/etc/containers';
  return { system, user: join(home, '.config', 'containers'), cache: join(cache, 'containers') };
}

/**
 * The user's file takes the place of the system's, and then the system's additions do not count either. A file that the
 * environment's `CONTAINERS_REGISTRIES_CONF` names takes the place of both files, and all additions count. What short
 * names were chosen to mean comes before what files say.
 * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND` for a file that was named, `ERR_LIMIT`, `ERR_IO`
 */
export async function readRegistriesConf(
  env: Environment = process.env,
  { system, user, cache }: ConfPlaces = confPlaces(env),
): Promise<RegistriesConf> {
  const named = env['CONTAINERS_REGISTRIES_CONF'] || undefined;
  const isUsers = named === undefined && fs.existsSync(join(user, FILE));
  const main = named ?? join(isUsers ? user : system, FILE);
  const additions = [...(isUsers ? [] : [system]), user].flatMap((dir) => filesIn(join(dir, `${FILE}.d`)));
  const chosen = join(cache, CHOSEN);
  const confs: RegistriesConf[] = [];
  for (const path of [main, ...additions, chosen]) {
    const bytes = readSmallFile(path, MAX_CONFIG_FILE);
    if (bytes !== undefined) {
      const table = await parseToml(bytes, path);
      confs.push(path === chosen ? parseAliases(table, path) : parseConf(table, path));
    } else if (path === named) throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path });
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
