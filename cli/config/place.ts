/** Where configuration files lie. A later one has the last word on a key that both have. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';

export interface Place {
  /** `given` is the file of `--config` or `CAIRN_CONFIG`, in the place of `system` and `user`. */
  kind: 'system' | 'user' | 'given' | 'store';
  file: string;
}

const SYSTEM = '/etc/cairn/cairn.toml';

/** Files that count for every store. @param given the value of `--config` */
export function generalPlaces(given: string | undefined): Place[] {
  if (given === '') throw new CairnError('ERR_USAGE', '--config needs a file, not an empty text');
  if (given !== undefined) return [{ kind: 'given', file: given }];
  const own = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return [
    { kind: 'system', file: SYSTEM },
    { kind: 'user', file: join(own, 'cairn', 'cairn.toml') },
  ];
}

/** A store's own file, which stays with it wherever it is used. */
export function storePlace(dir: string): Place {
  return { kind: 'store', file: new Layout(dir).settings };
}
