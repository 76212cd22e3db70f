/**
 * Runs one command in a root file system that somebody is working on, as root there. What a runtime mounts needs places
 * in the tree; those that are made for it go again.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { throwIfAborted } from '../../core/errors.js';
import { parentOf } from '../../core/path.js';
import { configIn, placesOfRun } from '../../disk/layout.js';
import { RootDirectory } from '../../disk/root-directory.js';
import { fieldsOf } from '../../image/runtime/app-field.js';
import { isolationOf } from '../../image/runtime/isolation.js';
import { writeConfig } from '../../image/runtime/write-config.js';
import { writeEtcFiles } from '../bundle/etc-files.js';
import { ownMappings } from '../bundle/id-mappings.js';
import { architecture } from '../bundle/machine.js';
import { mountsOf } from '../bundle/mount-list.js';
import { Container, deleteContainers } from './container.js';
import type { RunOptions } from './options.js';
import { mustHaveNamespaces } from './rootless.js';
import { findRuntime } from './runtime.js';
import { makePlaces, missingPlaces, takePlacesAway } from './tree-places.js';
import { type Stdio, Watch } from './watch.js';

export interface TreeCommand {
  /** Absolute. */
  root: string;
  /** What it is run for, in words and as the name of the host. */
  title: string;
  args: readonly string[];
  cwd: string;
  env: string[];
  /** A directory that is there, for what the run needs; the caller deletes it. */
  scratch: string;
  /** The descriptor of a lock that is held for as long as the command runs, whatever becomes of this process. */
  lock: number;
}

export type TreeRunOptions = Pick<RunOptions, 'signal' | 'runtime' | 'net' | 'interactive' | 'signals'>;

/**
 * @returns the command's exit code; 128 and the number of a signal that killed it
 * @throws CairnError `ERR_RUNTIME` if it could not be started, `ERR_ABORTED` when it has been killed
 */
export async function runInTree(command: TreeCommand, options: TreeRunOptions): Promise<number> {
  const { root, title, scratch, lock } = command;
  const { signal, signals, interactive } = options;
  mustHaveNamespaces();
  const runtime = findRuntime(options.runtime);
  throwIfAborted(signal);
  const places = placesOfRun(scratch);
  for (const dir of [places.bundles, places.state]) fs.mkdirSync(dir, { mode: 0o700 });
  const tree = new RootDirectory(root);
  const etc = writeEtcFiles(tree, [], { dir: places.bundles, hostname: title }).filter(({ target }) => {
    return tree.find(parentOf(target)).stat?.isDirectory() === true;
  });
  const targets = etc.map(({ target }) => target);
  const missing = missingPlaces(tree, targets);
  const id = `cairn-build-${randomUUID()}`;
  const watch = new Watch({ runtime, places, lock, ids: [id] });
  const stdio: Stdio = [interactive === true ? 0 : 'ignore', 1, 2];
  const container = new Container({ runtime, places, watch }, { id, label: '0', title, bundle: places.bundles, stdio });
  const stopPassing = signals?.((name) => container.signal(name));
  let killing: Promise<void> | undefined;
  const kill = (): void => {
    container.signal('SIGKILL');
    killing = deleteContainers(runtime, places.state, [id]);
  };
  signal?.addEventListener('abort', kill);
  try {
    makePlaces(root, scratch, missing);
    const config = configOf(command, options, etc);
    fs.writeFileSync(configIn(places.bundles), `${JSON.stringify(config)}\n`, { mode: 0o600 });
    return await container.run();
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    stopPassing?.();
    signal?.removeEventListener('abort', kill);
    await killing;
    await deleteContainers(runtime, places.state, [id]);
    watch.end();
    takePlacesAway(root, scratch);
    throwIfAborted(signal);
  }
}

function configOf(command: TreeCommand, { net }: TreeRunOptions, etc: ReturnType<typeof writeEtcFiles>): object {
  const { root, title, args, cwd, env } = command;
  const mappings = ownMappings();
  const at = fieldsOf(title);
  const isolation = isolationOf({
    ...{ app: [], pod: [], uid: 0, architecture: architecture(), hasCgroups: mappings === undefined, at },
  });
  return writeConfig({
    ...{ rootfs: root, readOnly: false, process: { args: [...args], cwd, env, user: { uid: 0, gid: 0 } } },
    ...{ isolation, mappings, hostname: title, hostNetwork: net === 'host', terminal: false },
    mounts: mountsOf({ volumes: [], etc, readOnly: false, isRootless: mappings !== undefined }),
    devices: [],
    annotations: {},
  });
}
