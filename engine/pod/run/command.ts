/** Puts a command of the caller's in the place of what an image says it runs. */
import { CairnError } from '../../core/errors.js';
import type { App } from '../../image/aci/app.js';
import type { ImageSays, PreparedApp, PreparedPod } from '../prepared.js';
import type { RunOptions } from './options.js';

const NO_APP: App = {
  exec: [],
  user: '0',
  group: '0',
  supplementaryGIDs: [],
  eventHandlers: [],
  environment: [],
  mountPoints: [],
  ports: [],
  isolators: [],
  userAnnotations: {},
  userLabels: {},
};

/** @throws CairnError `ERR_USAGE` for a pod of several apps */
export function withCommand(pod: PreparedPod, options: RunOptions): PreparedPod {
  const { exec, args = [] } = options;
  if (exec === undefined && args.length === 0) return pod;
  const [app, ...others] = pod.apps;
  if (app === undefined || others.length > 0)
    throw new CairnError('ERR_USAGE', `pod ${pod.id} has ${pod.apps.length} apps: a command is for a pod of one app`);
  return { ...pod, apps: [appWith(app, options)] };
}

function appWith(app: PreparedApp, options: RunOptions): PreparedApp {
  const { runtime, says } = app;
  if (runtime.app === undefined && says.format === 'oci') return { ...app, says: imageWith(says, options) };
  const own = runtime.app ?? (says.format === 'aci' ? says.manifest.app : undefined) ?? NO_APP;
  return { ...app, runtime: { ...runtime, app: { ...own, exec: commandWith(own.exec, options) } } };
}

function commandWith(own: readonly string[], { exec, args = [], replace = false }: RunOptions): string[] {
  if (exec !== undefined) return [exec, ...args];
  return replace ? [...args] : [...own, ...args];
}

/** What an OCI image runs is its entrypoint, with its command for arguments. */
function imageWith(says: Extract<ImageSays, { format: 'oci' }>, { exec, args = [] }: RunOptions): ImageSays {
  const { config } = says;
  const own =
    exec === undefined
      ? { ...config.config, cmd: [...args] }
      : { ...config.config, entrypoint: [exec], cmd: [...args] };
  return { ...says, config: { ...config, config: own } };
}
