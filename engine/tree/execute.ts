/** Carries out a plan on the workers, inside or outside the store. */
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode, RenderResult } from '../../workers/tasks/render.js';
import { addSkipped, mergeSkipped } from '../../workers/tasks/skipped.js';
import { toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { MAX_PATH } from '../core/limits.js';
import { mapped } from '../core/mapped.js';
import type { Identity } from '../core/metadata.js';
import { type OperationOptions, telling } from '../core/operation.js';
import type { Disk } from '../disk/durable.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { StoreContext } from '../session/context.js';
import type { TaskInput, Work } from '../session/work.js';

/** A tree is moved to trash before it is deleted, which makes its paths longer by up to so many bytes. */
const DEPTH_OF_TRASH = 64;

/**
 * Refuses a tree whose paths would be too long in its place: it could be neither checked nor removed there.
 * @throws CairnError `ERR_LIMIT`
 */
export function checkPathLengths({ longestPath }: PackedPlan, root: string): void {
  const room = MAX_PATH - DEPTH_OF_TRASH - Buffer.byteLength(root) - 1;
  if (longestPath.length <= room) return;
  throw new CairnError('ERR_LIMIT', `a path of ${longestPath.length} bytes; below ${root} there is room for ${room}`, {
    entry: toText(longestPath),
  });
}

export interface TreePlace {
  /** The root must not exist; its parent must. */
  root: string;
  /** The disk that the root is on. The caller syncs it at the end. */
  disk: Disk;
  mode: RenderMode;
  /** Added to every owner's uid and gid. */
  uidShift: number;
  /** What new files get there. */
  identity: Identity;
}

/** Makes the tree of a plan. */
export async function execute(
  store: StoreContext,
  plan: PackedPlan,
  { root, disk, mode, uidShift, identity }: TreePlace,
  options: OperationOptions,
): Promise<RenderResult> {
  const { pool, objects } = store;
  const result: RenderResult = { skipped: {}, copies: {} };
  const onProgress = telling(options, { what: 'rendering', unit: 'items', total: plan.entries });
  await pool.during({ signal: options.signal, onProgress }, async (work) => {
    let left = plan.shards;
    const shards = mapped(Array(plan.shards).keys(), (i) => plan.shard(i));
    const onResult = (part: RenderResult): void => {
      addResult(result, part);
      // The disk takes the first half while the workers make the second.
      if (--left > 0) disk.writeBehind();
    };
    const how = { root, objects: objects.at, mode, identity, uidShift };
    await work.map(
      'render',
      mapped(shards, (shard) => ({ ...how, shard })),
      { onResult },
    );
    if (plan.links.length > 0) await work.ask('join', { root, links: [...plan.links] });
    for (const { skipped } of await finishDirectories(work, plan, { root, identity, uidShift })) {
      mergeSkipped(result.skipped, skipped);
    }
    if (mode === 'link') mergeSkipped(result.skipped, skippedOfObjects(store, plan));
  });
  return result;
}

function addResult(result: RenderResult, { skipped, copies }: RenderResult): void {
  mergeSkipped(result.skipped, skipped);
  for (const [name, copy] of Object.entries(copies)) result.copies[name] = Math.max(result.copies[name] ?? 0, copy);
}

/** Finishes directories: in any order if modes mean nothing to us, else on one worker, from the last and deepest. */
function finishDirectories(work: Work, plan: PackedPlan, how: Omit<TaskInput<'finish-directories'>, 'shard'>) {
  const shards = Array.from({ length: plan.directoryShards }, (_none, i) => plan.directoryShards - 1 - i);
  const tasks = mapped(shards, (i) => ({ ...how, shard: plan.directoryShard(i) }));
  return work.map('finish-directories', tasks, how.identity.overridesModes ? {} : { width: 1 });
}

/** A link has the metadata of its object, and lacks what the object lacks. */
function skippedOfObjects({ index }: StoreContext, { maybeIncomplete }: PackedPlan): Skipped {
  const skipped: Skipped = {};
  for (const [path, name] of maybeIncomplete) {
    for (const what of index.objects.get(name)?.skipped ?? []) addSkipped(skipped, what, path);
  }
  return skipped;
}

/** Lets other trees share the files of a tree, which is on disk. */
export async function keepFiles(
  { pool, objects }: StoreContext,
  plan: PackedPlan,
  { root, anew }: { root: string; anew: boolean },
): Promise<void> {
  const shards = mapped(Array(plan.shards).keys(), (i) => plan.shard(i));
  const tasks = mapped(shards, (shard) => ({ root, anew, objects: objects.at, shard }));
  await pool.map('keep-files', tasks);
}
