/** From what is asked of an app, and what its image says, to the app of a pod manifest, as rkt makes it. Pure. */
import { CairnError } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import { type App, type EnvironmentVariable, readApp } from '../image/aci/app.js';
import { withIsolators } from '../image/aci/isolator-strings.js';
import { sanitizeACName } from '../image/aci/names.js';
import type { Mount, RuntimeApp, RuntimeImage } from '../image/aci/pod.js';
import { aciManifestFrom } from '../image/convert/oci-to-aci.js';
import { JsonField } from '../image/json-field.js';
import type { ImageSays } from './prepared.js';
import type { AppRequest, PodRequest, Texts } from './request.js';

/** An image, and what it says of itself. */
export interface FoundImage {
  image: RuntimeImage;
  says: ImageSays;
}

/**
 * The app of a pod manifest. Of an ACI the whole app is written, of an OCI image only if something is asked of it: it
 * runs by rules of its own, which an app of appc cannot say.
 *
 * @param pod what is asked for all apps
 * @throws CairnError `ERR_USAGE` for an image without an app if nothing is said to run, `ERR_NAME_SYNTAX` if no name
 *   can be made of the image's
 */
export function runtimeAppFrom(request: AppRequest, found: FoundImage, pod: PodRequest): RuntimeApp {
  const { image } = found;
  const app = appFrom(request, found, pod.environment ?? {});
  return {
    name: request.name ?? defaultName(image),
    image,
    ...(app === undefined ? {} : { app }),
    readOnlyRootFS: request.readOnlyRootFS ?? false,
    mounts: mergedMounts(request.mounts ?? [], pod.mounts ?? []),
    annotations: pairsFrom(request.annotations),
  };
}

/** The last part of the image's name; the first digits of its key, if it has none. */
export function defaultName({ id, name }: Pick<RuntimeImage, 'id' | 'name'>): string {
  return sanitizeACName(name?.split('/').at(-1) ?? id.slice(0, SHORT_ID));
}

const SHORT_ID = 'sha512-'.length + 12;

/** What is asked of an app that can only be said by an app of appc. */
const CHANGING: readonly (keyof AppRequest)[] = [
  ...(['app', 'exec', 'args', 'user', 'group', 'supplementaryGIDs', 'workingDirectory', 'environment'] as const),
  ...(['mountPoints', 'ports', 'isolators', 'userAnnotations', 'userLabels'] as const),
];

function appFrom(request: AppRequest, found: FoundImage, environment: Texts): App | undefined {
  const isChanged = Object.keys(environment).length > 0 || CHANGING.some((key) => request[key] !== undefined);
  if (found.says.format === 'oci' && !isChanged) return undefined;
  const app = request.app ?? ownApp(found, request);
  const { user = app.user, workingDirectory = app.workingDirectory } = request;
  return {
    exec: [...(request.exec ?? app.exec), ...(request.args ?? [])],
    ...{ user, group: groupOf(request, found, app), eventHandlers: app.eventHandlers },
    supplementaryGIDs: [...(request.supplementaryGIDs ?? app.supplementaryGIDs)],
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    environment: mergedEnvironment(app.environment, { ...environment, ...request.environment }),
    mountPoints: replaced(app.mountPoints, request.mountPoints ?? [], 'path'),
    ports: replaced(app.ports, request.ports ?? [], 'name'),
    isolators: withIsolators(app.isolators, request.isolators ?? []),
    userAnnotations: { ...(request.userAnnotations ?? app.userAnnotations) },
    userLabels: { ...(request.userLabels ?? app.userLabels) },
  };
}

/** Of an OCI image a user alone stands for the user's group, too, as where the image says the user. */
function groupOf({ user, group }: AppRequest, { says }: FoundImage, app: App): string {
  return group ?? (says.format === 'oci' ? user : undefined) ?? app.group;
}

/** The app that the image says, or one that does nothing if something else is to run. */
export function ownApp({ image, says }: FoundImage, { exec, args }: Pick<AppRequest, 'exec' | 'args'> = {}): App {
  if (says.format === 'aci' && says.manifest.app !== undefined) return says.manifest.app;
  if (says.format === 'oci') {
    const { config } = says;
    // As for Docker, arguments come instead of those that the image has.
    const cmd = args === undefined ? config.config.cmd : [];
    const manifest = aciManifestFrom({ ...config, config: { ...config.config, cmd } }, { name: 'app' });
    return readApp(new JsonField('manifest', manifest['app']));
  }
  if (exec !== undefined) return NO_APP;
  const which = quoted(image.name ?? image.id);
  throw new CairnError('ERR_USAGE', `image ${which} has no app section and --exec argument is not provided`);
}

const NO_APP: App = {
  ...{ exec: [], user: '0', group: '0', supplementaryGIDs: [], eventHandlers: [], environment: [] },
  ...{ mountPoints: [], ports: [], isolators: [], userAnnotations: {}, userLabels: {} },
};

/** Of several mounts of one path the first counts. */
function mergedMounts(own: readonly Mount[], ofPod: readonly Mount[]): Mount[] {
  const seen = new Set<string>();
  return [...own, ...ofPod].filter(({ path }) => {
    const clean = path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    return !seen.has(clean) && seen.add(clean);
  });
}

/** A variable that is there keeps its place. */
function mergedEnvironment(variables: readonly EnvironmentVariable[], given: Texts): EnvironmentVariable[] {
  const values = new Map([
    ...variables.map(({ name, value }): [string, string] => [name, value]),
    ...Object.entries(given),
  ]);
  return [...values].map(([name, value]) => ({ name, value }));
}

/** Items after others were given, each in the place of the one that it replaces. */
function replaced<T, K extends keyof T>(items: readonly T[], given: readonly T[], key: K): T[] {
  const byKey = new Map([...items, ...given].map((item) => [item[key], item]));
  return [...byKey.values()];
}

export function pairsFrom(texts: Texts = {}): { name: string; value: string }[] {
  return Object.entries(texts).map(([name, value]) => ({ name, value }));
}
