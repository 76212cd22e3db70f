/** Where credentials of registries lie, and where those of hosts. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface AuthPlace {
  path: string;
  /** Somebody named it. */
  isNamed: boolean;
  /** It is a `.dockercfg`. */
  isLegacy: boolean;
}

/** The file that `login` writes to. @param given what `--authfile` names */
export function primaryPlace(given: string | undefined, env: Environment = process.env): AuthPlace {
  const named = given ?? (env['REGISTRY_AUTH_FILE'] || undefined);
  if (named !== undefined) return { path: named, isNamed: true, isLegacy: false };
  // Without a directory of the session podman has one for each user, too.
  const runtime = env['XDG_RUNTIME_DIR'];
  const dir = runtime ? join(runtime, 'containers') : `/run/containers/${process.getuid?.() ?? 0}`;
  return { path: join(dir, 'auth.json'), isNamed: false, isLegacy: false };
}

/** Files with credentials of registries, in the order in which they are asked. */
export function authPlaces(given: string | undefined, env: Environment = process.env): AuthPlace[] {
  const home = env['HOME'] || homedir();
  const config = env['XDG_CONFIG_HOME'] || join(home, '.config');
  const others = [
    join(config, 'containers', 'auth.json'),
    join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
  ];
  return [
    primaryPlace(given, env),
    ...others.map((path) => ({ path, isNamed: false, isLegacy: false })),
    { path: join(home, '.dockercfg'), isNamed: false, isLegacy: true },
  ];
}

const SYSTEM = '/usr/lib/cairn/auth.d';
const LOCAL = '/etc/cairn/auth.d';

/**
 * Directories with credentials of hosts: that of the system's packages, that of its administrator, and for other users
 * than root their own. A later one masks those before it. The environment's `CAIRN_AUTH_DIRS`, divided by colons, takes
 * the place of all.
 */
export function authDirectories(env: Environment = process.env, isRoot = process.geteuid?.() === 0): string[] {
  const given = (env['CAIRN_AUTH_DIRS'] ?? '').split(':').filter((dir) => dir !== '');
  if (given.length > 0) return given;
  if (isRoot) return [SYSTEM, LOCAL];
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return [SYSTEM, LOCAL, join(config, 'cairn', 'auth.d')];
}
