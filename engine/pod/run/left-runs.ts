/** Takes away what there is of a run: containers, mounts and files. A run that was killed leaves them all. */
import * as fs from 'node:fs';
import { deletePaths } from '../../content/delete.js';
import { CairnError, hasCode, isCairnError } from '../../core/errors.js';
import { placesOfRun, podRunIn } from '../../disk/layout.js';
import { unmount } from '../../disk/mount.js';
import { mountsBelow } from '../../disk/mounts.js';
import type { StoreContext } from '../../session/context.js';
import { deleteContainers } from './container.js';
import { type OciRuntime, runtimeAt } from './runtime.js';

/** Writes down which runtime runs which containers of a pod, before the first one starts. */
export function writeNote(note: string, runtime: OciRuntime, containers: readonly string[]): void {
  fs.writeFileSync(note, JSON.stringify({ runtime: runtime.path, containers }), { mode: 0o600 });
}

/** As {@link endRun}, and takes away what lies in the run's directory, too. */
export async function clearRun(store: StoreContext, id: string): Promise<void> {
  await endRun(store, id);
  await removeSmall(store, podRunIn(store.layout.pod(id)));
}

/**
 * Ends what runs yet of a pod, and takes away what is mounted in its directory. The caller holds its lock.
 * @throws CairnError `ERR_DAMAGED` for a directory that is none; `ERR_IO`
 */
export async function endRun(store: StoreContext, id: string): Promise<void> {
  const run = podRunIn(store.layout.pod(id));
  const stat = fs.lstatSync(run, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory())
    throw new CairnError('ERR_DAMAGED', 'something else is in the place of a directory', { path: run });
  await endContainers(store, run);
  unmountBelow(run);
}

async function endContainers(store: StoreContext, run: string): Promise<void> {
  const places = placesOfRun(run);
  const note = readNote(places.note);
  if (note === undefined || !fs.existsSync(places.state) || fs.readdirSync(places.state).length === 0) return;
  const runtime = runtimeAt(note.runtime);
  if (runtime !== undefined) await deleteContainers(runtime, places.state, note.containers);
  else store.notice(`containers that ${note.runtime} runs are left to it: ${note.containers.join(', ')}`);
}

/** Files that are deleted faster at once than by turns of the event loop, let alone by threads that have to start. */
const FEW = 256;

/** Deletes a directory in which mostly some twenty files are. */
export async function removeSmall({ pool }: StoreContext, path: string): Promise<void> {
  try {
    if (holdsFew(path)) return fs.rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY')) throw error;
  }
  await deletePaths(pool, [path]);
}

/** A name that is no UTF-8 is not found again, and makes the directory one that is not empty: the threads take it. */
function holdsFew(path: string): boolean {
  let found = 0;
  const left = [path];
  for (let dir = left.pop(); dir !== undefined && found <= FEW; dir = left.pop()) {
    const entries = fs.existsSync(dir) ? fs.readdirSync(dir, { withFileTypes: true }) : [];
    found += entries.length;
    for (const entry of entries) if (entry.isDirectory()) left.push(`${dir}/${entry.name}`);
  }
  return found <= FEW;
}

/** Mounts lie on and in one another: the last one goes first. */
export function unmountBelow(dir: string): void {
  for (const point of mountsBelow(dir).reverse()) {
    try {
      unmount(point, { lazy: true });
    } catch (error) {
      if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
    }
  }
}

function readNote(path: string): { runtime: string; containers: string[] } | undefined {
  try {
    const { runtime, containers = [] } = JSON.parse(fs.readFileSync(path, 'utf8')) as {
      runtime?: unknown;
      containers?: unknown[];
    };
    const ids = containers.filter((id): id is string => typeof id === 'string' && /^cairn-[0-9a-z-]+$/.test(id));
    return typeof runtime === 'string' ? { runtime, containers: ids } : undefined;
  } catch {
    // Without a whole note no container was started.
    return undefined;
  }
}
