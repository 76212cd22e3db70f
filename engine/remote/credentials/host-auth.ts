/**
 * Credentials of hosts, from files of the kinds that rkt has: `auth`, for downloads by HTTPS, and `dockerAuth`, for
 * registries. Both are JSON, in the version `v1`.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type CairnError, hasCode, isCairnError, toCairnError } from '../../core/errors.js';
import { nearest } from '../../core/near.js';
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../../image/json-field.js';
import { plainKey } from './auth-file.js';
import { type Credential, Secret } from './credential.js';
import { damaged } from './damaged.js';
import { readSecretFile, type SecretFile } from './secret-file.js';

export interface HostAuth {
  /** By host, with its port where that is not HTTPS's own. */
  hosts: ReadonlyMap<string, Credential>;
  /** By registry. */
  registries: ReadonlyMap<string, Credential>;
  /** Files that others may read. */
  exposed: readonly string[];
}

type Kind = 'auth' | 'dockerAuth';

interface Entry {
  kind: Kind;
  names: string[];
  credential: Credential;
}

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  auth: ['rktKind', 'rktVersion', 'domains', 'type', 'credentials'],
  dockerAuth: ['rktKind', 'rktVersion', 'registries', 'credentials'],
};

/**
 * Reads all files `*.json` of the directories. A later directory masks, host by host, those before it.
 * @throws CairnError `ERR_CONFIG`, also for a host that two files of one directory name; `ERR_IO`
 */
export function readHostAuth(directories: readonly string[]): HostAuth {
  const found: Record<Kind, Map<string, Credential>> = { auth: new Map(), dockerAuth: new Map() };
  const exposed: string[] = [];
  for (const dir of directories) {
    const here = new Map<string, string>();
    for (const name of namesIn(dir)) {
      const file = readSecretFile(join(dir, name));
      if (file === undefined) continue;
      if (file.isOpen) exposed.push(file.path);
      const { kind, names, credential } = parseHostAuth(file);
      for (const host of names) {
        const other = here.get(`${kind} ${host}`);
        if (other !== undefined) throw damaged(file.path, `${other} has credentials for ${host}, too`);
        here.set(`${kind} ${host}`, file.path);
        found[kind].set(host, credential);
      }
    }
  }
  return { hosts: found.auth, registries: found.dockerAuth, exposed };
}

function namesIn(dir: string): string[] {
  try {
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.name.endsWith('.json') && !entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw toCairnError(error);
  }
}

/** @throws CairnError `ERR_CONFIG` */
export function parseHostAuth(file: SecretFile): Entry {
  const { path, content } = file;
  try {
    const kind = content.exactField('rktKind').text();
    if (kind !== 'auth' && kind !== 'dockerAuth')
      throw damaged(path, 'rktKind must be "auth" or "dockerAuth"', 'rktKind');
    if (content.exactField('rktVersion').text() !== 'v1') throw damaged(path, 'rktVersion must be "v1"', 'rktVersion');
    for (const name of Object.keys(content.object()))
      if (!FIELDS[kind].includes(name)) throw unknown(path, name, FIELDS[kind]);
    const list = kind === 'auth' ? 'domains' : 'registries';
    const names = content.exactField(list).texts();
    if (names.length === 0) throw damaged(path, `${list} must name a host`, list);
    const type = kind === 'auth' ? content.exactField('type').text() : 'basic';
    const credential = credentialOf(content.exactField('credentials').orEmpty(), type, path);
    const hostOf = kind === 'auth' ? (name: string) => plainHost(name, path) : plainKey;
    return { kind, names: [...new Set(names.map(hostOf))], credential };
  } catch (error) {
    throw isCairnError(error, 'ERR_BAD_MANIFEST') ? damaged(path, error.message) : error;
  }
}

function credentialOf(credentials: JsonField, type: string, from: string): Credential {
  const text = (name: string): string => {
    const value = credentials.exactField(name).text();
    if (value === '')
      throw damaged(from, `credentials.${name} must be there for the type ${type}`, `credentials.${name}`);
    return value;
  };
  if (type === 'basic') return { kind: 'password', user: text('user'), password: new Secret(text('password')), from };
  if (type === 'oauth') return { kind: 'bearer', token: new Secret(text('token')), from };
  throw damaged(from, 'type must be "basic" or "oauth"', 'type');
}

/** As URLs have it: in lower case, and without the port that HTTPS has anyway. */
function plainHost(name: string, path: string): string {
  const url = `https://${name}`;
  const isHost = URL.canParse(url) && !/[/?#@\\]/.test(name);
  if (!isHost) throw damaged(path, `domains: ${quoted(name)} is not HOST or HOST:PORT`, 'domains');
  return new URL(url).host;
}

function unknown(path: string, name: string, known: readonly string[]): CairnError {
  const [near] = nearest(name, known);
  return damaged(path, `there is no field ${quoted(name)}${near === undefined ? '' : `; did you mean ${near}?`}`);
}
