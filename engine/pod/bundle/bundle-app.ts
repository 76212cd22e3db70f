/**
 * Makes the bundle of one app: `config.json`, its root file system, its volumes.
 *
 * What an image says is read from the shared tree, which nobody writes to, through {@link RootDirectory}, which no link
 * leads out of. The configuration is written last: a bundle without one is not finished.
 */
import * as fs from 'node:fs';
import { posix } from 'node:path';
import { fromText } from '../../core/bytes.js';
import { defined } from '../../core/defined.js';
import { throwIfAborted } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { makeOnce } from '../../disk/durable.js';
import { configIn } from '../../disk/layout.js';
import { type Covered, RootDirectory } from '../../disk/root-directory.js';
import type { EventHandler } from '../../image/aci/app.js';
import { type FieldAt, fieldsOf } from '../../image/runtime/app-field.js';
import type { RuntimeConfig, RuntimeUser } from '../../image/runtime/config.js';
import { appEnvironment, imageEnvironment } from '../../image/runtime/environment.js';
import { type Isolation, isolationOf } from '../../image/runtime/isolation.js';
import { volumeMountsOf } from '../../image/runtime/mounts.js';
import { type AppProcess, type IdMappings, writeConfig } from '../../image/runtime/write-config.js';
import type { StoreContext } from '../../session/context.js';
import type { PreparedApp, PreparedPod } from '../prepared.js';
import { annotationsOf } from './annotations.js';
import { type AppToRun, appToRun } from './app-to-run.js';
import { type EtcFile, writeEtcFiles } from './etc-files.js';
import { argumentsOf } from './executable.js';
import { mustBeMapped } from './id-mappings.js';
import { architecture } from './machine.js';
import { makeTargets, makeVolumes } from './make-volumes.js';
import { devicesOf, mountsOf } from './mount-list.js';
import type { Bundle, PlacedBundleOptions } from './options.js';
import { coveredBy, type PlacedVolume, placeVolumes } from './placed-volumes.js';
import { makeRootfs, type Rootfs } from './rootfs.js';
import { makeTarget } from './targets.js';
import { userOf } from './users.js';

export interface AppRequest {
  pod: PreparedPod;
  app: PreparedApp;
  /** The directory of the pod's bundles, and of this one; it exists. */
  podDir: string;
  dir: string;
  /** The directory of the namespaces that the app joins. */
  joined: string | undefined;
  hostname: string;
  mappings: IdMappings | undefined;
  options: PlacedBundleOptions;
}

/** What is known of an app before anything is made for it. */
interface Draft extends AppRequest {
  run: AppToRun;
  tree: RootDirectory;
  user: RuntimeUser;
  isolation: Isolation;
  volumes: PlacedVolume[];
  at: FieldAt;
}

interface EventHandlerArguments {
  name: EventHandler['name'];
  args: string[];
}

/**
 * What is cheap and can be refused comes before the root, which may be a large copy.
 * @throws CairnError whose `entry` names the app and the field; as making the root does
 */
export async function bundleApp(store: StoreContext, request: AppRequest): Promise<Bundle> {
  const draft = draftOf(store, request);
  const { app, dir, options, volumes, run, isolation } = draft;
  const { signal } = options;
  await makeVolumes({ volumes, tree: app.rootfs, isFromDocker: run.isFromDocker, signal });
  const assembled = new RootDirectory(app.rootfs, covered(volumes));
  const process = processOf(draft, assembled);
  const handlers = handlersOf(draft, assembled);
  const rootfs = await makeRootfs(store, { ...options, app, dir, kind: options.rootfs });
  throwIfAborted(signal);
  const etc = makePlaces(store, draft, rootfs);
  const bundle: Bundle = {
    ...{ app: app.name, dir, config: configIn(dir), rootfs: rootfs.path, mode: rootfs.kind },
    ...defined({ overlay: rootfs.unmounted }),
    isolators: { enforced: isolation.enforced, ignored: isolation.ignored },
  };
  for (const { name, args } of handlers) {
    const beside = `${dir}/${name}`;
    fs.mkdirSync(beside, { mode: 0o700 });
    // A handler may run when the pod's namespaces are not there yet, or no more.
    const own = { ...draft, joined: options.namespaces, options: { ...options, terminal: false } };
    writeDocument(beside, configOf(own, { ...process, args }, etc, rootfs.path));
    bundle[name === 'pre-start' ? 'preStart' : 'postStop'] = beside;
  }
  writeDocument(dir, configOf(draft, process, etc, 'rootfs'));
  return bundle;
}

function handlersOf({ run: { app }, at }: Draft, assembled: RootDirectory): EventHandlerArguments[] {
  return app.eventHandlers.map(({ name, exec }, i) => {
    return { name, args: argumentsOf(assembled, app, exec, at(`app.eventHandlers[${i}].exec`)) };
  });
}

/** Everything that can be known, and refused, before anything is made. */
function draftOf(store: StoreContext, request: AppRequest): Draft {
  const { app, pod, podDir, dir, mappings, options } = request;
  const at = fieldsOf(app.name);
  const run = appToRun(app, at);
  const tree = new RootDirectory(app.rootfs);
  const user = userOf(tree, run, at);
  if (mappings !== undefined) mustBeMapped(user, mappings, at);
  const isolation = isolationOf({
    ...{ app: run.app.isolators, pod: pod.manifest.isolators, uid: user.uid, architecture: architecture() },
    ...{ hasCgroups: mappings === undefined, at },
  });
  if (options.network === 'host') refuseNetworkSettings(isolation, at);
  const mounts = volumeMountsOf(app.runtime, run.app, pod.manifest.volumes, at);
  const volumes = placeVolumes(mounts, { tree, podDir, dir, storeDir: store.layout.dir, at });
  return { ...request, run, tree, user, isolation, volumes, at };
}

/** The settings of a network that the pod shares are the host's. */
function refuseNetworkSettings({ sysctl }: Isolation, at: FieldAt): void {
  const setting = Object.keys(sysctl).find((key) => key.startsWith('net.'));
  if (setting === undefined) return;
  throw at("pod's isolators").fault(`${quoted(setting)} would set the host's network: the pod has none of its own`);
}

/** File systems that the runtime mounts hide what the tree has there, too. */
function covered(volumes: readonly PlacedVolume[]): Covered {
  const standard = ['/proc', '/dev', '/sys'].map((path): [string, undefined] => [path, undefined]);
  return new Map<string, string | undefined>([...standard, ...coveredBy(volumes)]);
}

/** Makes the places in the root where something will be mounted, unless the root is yet to be mounted itself. */
function makePlaces(store: StoreContext, draft: Draft, rootfs: Rootfs): EtcFile[] {
  const { tree, volumes, dir, hostname, at } = draft;
  const root = rootfs.unmounted === undefined ? new RootDirectory(rootfs.path) : undefined;
  const { notice } = store;
  for (const path of ['/proc', '/sys', '/dev']) mustBeDirectory(tree, path, at);
  makeTargets({ volumes, root, notice });
  const etc = writeEtcFiles(tree, volumes, { dir, hostname });
  for (const { target } of root === undefined ? [] : etc) {
    makeTarget({ root: root as RootDirectory, path: target, kind: 'file', field: at('etc'), notice });
  }
  return etc;
}

/** Runtimes that mounted behind a link of the image's were led to the host by it. */
function mustBeDirectory(tree: RootDirectory, path: string, at: FieldAt): void {
  const { stat } = tree.find(path, { followLast: false });
  if (stat === undefined || stat.isDirectory()) return;
  throw at('image').fault(
    `${path} of the image is no directory, so that nothing can be mounted there`,
    'ERR_BAD_ARCHIVE',
  );
}

function processOf({ run, app, user, at }: Draft, assembled: RootDirectory): AppProcess {
  const { oci } = run;
  if (oci !== undefined) {
    const args = [...oci.config.entrypoint, ...oci.config.cmd];
    if (args.length === 0 || args[0] === '') throw at('app.exec').fault('app has no executable');
    const cwd = posix.join('/', oci.config.workingDir);
    return { args, cwd, env: imageEnvironment(app.name, oci.config.env), user };
  }
  const cwd = run.app.workingDirectory ?? '/';
  const { stat, lacks } = assembled.find(fromText(cwd));
  if (stat?.isDirectory() !== true && lacks !== 'unseen') {
    const why = stat === undefined ? 'is not there' : 'is no directory';
    const code = stat === undefined ? 'ERR_NOT_FOUND' : 'ERR_BAD_MANIFEST';
    throw at('app.workingDirectory').fault(`the working directory ${quoted(cwd)} ${why}`, code);
  }
  return {
    args: argumentsOf(assembled, run.app, run.app.exec, at('app.exec')),
    cwd,
    env: appEnvironment(app.name, run.app.environment),
    user,
  };
}

function configOf(draft: Draft, process: AppProcess, etc: readonly EtcFile[], rootfs: string): RuntimeConfig {
  // Runtimes are written in languages whose texts end there.
  const holdsNul = [...process.args, ...process.env, process.cwd].some((text) => text.includes('\0'));
  if (holdsNul) throw draft.at('app').fault('a NUL in a command, a variable or the working directory');
  const { app, options, isolation, hostname, joined, mappings, volumes } = draft;
  const readOnly = app.runtime.readOnlyRootFS;
  return writeConfig({
    ...{ rootfs, readOnly, process, isolation, hostname, joined, mappings },
    terminal: options.terminal === true,
    hostNetwork: options.network === 'host',
    mounts: mountsOf({ volumes, etc, readOnly, isRootless: mappings !== undefined }),
    devices: devicesOf(volumes),
    annotations: annotationsOf(draft),
  });
}

function writeDocument(dir: string, config: object): void {
  makeOnce(dir);
  fs.writeFileSync(configIn(dir), `${JSON.stringify(config, undefined, 2)}\n`, { flag: 'wx', mode: 0o600 });
}
