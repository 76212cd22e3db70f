/** The environment of an app's processes (appc spec, executor, "Execution Environment"; OCI image spec, conversion). */
import type { EnvironmentVariable } from '../aci/app.js';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What an app finds that does not say otherwise, as rkt's apps do. */
const DEFAULTS: readonly EnvironmentVariable[] = [
  { name: 'PATH', value: DEFAULT_PATH },
  { name: 'SHELL', value: '/bin/sh' },
  { name: 'USER', value: 'root' },
  { name: 'LOGNAME', value: 'root' },
  { name: 'HOME', value: '/root' },
];
/** By this a process knows that it is in a container, and whose. */
const CONTAINER: EnvironmentVariable = { name: 'container', value: 'cairn' };

/** @param app the app's name in its pod, which `AC_APP_NAME` always is */
export function appEnvironment(app: string, environment: readonly EnvironmentVariable[]): string[] {
  const own = environment.filter(({ name }) => name !== 'AC_APP_NAME');
  return write([...missing(own, [...DEFAULTS, CONTAINER]), ...own, { name: 'AC_APP_NAME', value: app }]);
}

/** @param env of an OCI image's configuration, which stays as it is: names that appc does not know pass, too */
export function imageEnvironment(app: string, env: readonly string[]): string[] {
  const own = env.map((variable) => ({ name: variable.split('=', 1)[0] as string, value: '' }));
  const added = [DEFAULTS[0] as EnvironmentVariable, CONTAINER, { name: 'AC_APP_NAME', value: app }];
  return [...write(missing(own, added)), ...env];
}

function missing(own: readonly EnvironmentVariable[], added: readonly EnvironmentVariable[]): EnvironmentVariable[] {
  const names = new Set(own.map(({ name }) => name));
  return added.filter(({ name }) => !names.has(name));
}

function write(variables: readonly EnvironmentVariable[]): string[] {
  return variables.map(({ name, value }) => `${name}=${value}`);
}
