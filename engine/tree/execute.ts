/** Carries a plan out on the workers, wherever the tree is to be. */
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode, RenderResult } from '../../workers/tasks/render.js';
import { toText } from '../core/bytes.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import type { Disk } from '../disk/durable.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { StoreContext } from '../session/context.js';
import { withControl } from '../session/control.js';

const MAX_EXAMPLES = 10;

/** Linux takes no longer path, and what is removed is moved somewhat deeper first. */
const MAX_PATH_ON_DISK = 4095 - 64;

/**
 * A tree whose paths cannot be named where it will lie could neither be checked nor removed again.
 * @throws CairnError `ERR_LIMIT`
 */
export function checkPathLengths({ longestPath }: PackedPlan, root: string): void {
  const room = MAX_PATH_ON_DISK - Buffer.byteLength(root) - 1;
  if (longestPath.length <= room) return;
  throw new CairnError('ERR_LIMIT', `a path of ${longestPath.length} bytes; below ${root} there is room for ${room}`, {
    entry: toText(longestPath),
  });
}

/**
 * Makes what a plan says at `root`, which must not exist; its parent must.
 * @param disk that `root` is on; the caller syncs it in the end
 * @param uidShift added to every owner
 */
export async function execute(
  store: StoreContext,
  plan: PackedPlan,
  root: string,
  disk: Disk,
  mode: RenderMode,
  uidShift: number,
  options: OperationOptions,
): Promise<RenderResult> {
  const { pool, layout, identity } = store;
  const { onProgress } = options;
  const total = plan.entries;
  const onCount =
    onProgress &&
    ((_bytes: number, done: number) =>
      onProgress({ what: 'rendering', unit: 'items', done: Math.min(done, total), total }));
  const result: RenderResult = { skipped: {}, copies: {} };
  await withControl(options.signal, onCount, async (control) => {
    let left = plan.shards;
    await eachOf(numbers(plan.shards), pool.size, async (i) => {
      const part = await pool.run<'render'>({
        kind: 'render',
        control,
        root,
        objects: layout.objects,
        shard: plan.shard(i),
        mode,
        identity,
        uidShift,
      });
      mergeSkipped(result.skipped, part.skipped);
      Object.assign(result.copies, part.copies);
      // The disk takes the first half while the workers make the second.
      if (--left > 0) disk.writeBehind();
    });
    if (plan.links.length > 0) await pool.run<'join'>({ kind: 'join', root, links: [...plan.links] });
    for (const part of await settle(store, plan, root, uidShift)) mergeSkipped(result.skipped, part.skipped);
    if (mode === 'link') mergeSkipped(result.skipped, skippedOfObjects(store, plan));
  });
  return result;
}

/** As root in any order; as a user the last first, and with them the deepest, on one worker. */
async function settle(store: StoreContext, plan: PackedPlan, root: string, uidShift: number) {
  const { pool, identity } = store;
  const lanes = identity.uid === 0 ? pool.size : 1;
  return eachOf(numbers(plan.directoryShards).reverse(), lanes, (i) =>
    pool.run<'settle'>({ kind: 'settle', root, shard: plan.directoryShard(i), identity, uidShift }),
  );
}

/** A link has the metadata of its object, and lacks what the object lacks. */
function skippedOfObjects({ index }: StoreContext, { doubtful }: PackedPlan): Skipped {
  const skipped: Skipped = {};
  for (const [path, name] of doubtful) {
    for (const what of index.objects.get(name)?.skipped ?? [])
      mergeSkipped(skipped, { [what]: { count: 1, paths: [path] } });
  }
  return skipped;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_none, i) => i);
}

export function mergeSkipped(into: Skipped, more: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(more)) {
    into[what] ??= { count: 0, paths: [] };
    const known = into[what] as Skipped[string];
    known.count += count;
    known.paths.push(...paths.slice(0, MAX_EXAMPLES - known.paths.length));
  }
}
