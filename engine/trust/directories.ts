/** Where keystores lie. */
import { homedir } from 'node:os';
import { join } from 'node:path';

const SYSTEM = '/usr/lib/cairn/trustedkeys';
const LOCAL = '/etc/cairn/trustedkeys';

/**
 * The directories with keys: that of the system's packages, that of its administrator, and for other users than root
 * their own. A later one overrides those before it, and the last one is written to. The environment's
 * `CAIRN_TRUST_DIRS`, divided by colons, takes the place of all.
 */
export function trustDirectories(
  env: Readonly<Record<string, string | undefined>> = process.env,
  isRoot = process.geteuid?.() === 0,
): string[] {
  const given = (env['CAIRN_TRUST_DIRS'] ?? '').split(':').filter((dir) => dir !== '');
  if (given.length > 0) return given;
  if (isRoot) return [SYSTEM, LOCAL];
  return [SYSTEM, LOCAL, join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'cairn', 'trustedkeys')];
}
