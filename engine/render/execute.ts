/** Carries a plan out on the workers, wherever the tree is to be. */
import type { RenderMode, RenderResult, Skipped } from '../../workers/protocol.js';
import { toText } from '../bytes.js';
import type { OperationOptions, StoreContext } from '../context.js';
import type { Disk } from '../durable.js';
import { CairnError } from '../errors.js';
import { objectKey } from '../index/open.js';
import { variantOf } from '../object.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import { eachOf, withControl } from '../pool.js';
import { cutShards, packShard } from './shard.js';

/** Shards for each worker: enough that a slow one does not hold up the end. */
const SHARDS_PER_WORKER = 4;
const MAX_EXAMPLES = 10;

/** Linux takes no longer path, and what is removed is moved somewhat deeper first. */
const MAX_PATH_ON_DISK = 4095 - 64;

/**
 * A tree whose paths cannot be named where it will lie could neither be checked nor removed again.
 * @throws CairnError `ERR_LIMIT`
 */
export function checkPathLengths(plan: Plan, root: string): void {
  const room = MAX_PATH_ON_DISK - Buffer.byteLength(root) - 1;
  const long = plan.entries.find(({ path }) => path.length > room);
  if (long === undefined) return;
  throw new CairnError('ERR_LIMIT', `a path of ${long.path.length} bytes; below ${root} there is room for ${room}`, {
    entry: toText(long.path),
  });
}

/**
 * Makes what a plan says at `root`, which must not exist; its parent must.
 * @param disk that `root` is on; the caller syncs it in the end
 * @param uidShift added to every owner
 */
export async function execute(
  store: StoreContext,
  plan: Plan,
  root: string,
  disk: Disk,
  mode: RenderMode,
  uidShift: number,
  options: OperationOptions,
): Promise<RenderResult> {
  const { pool, layout, identity } = store;
  const { onProgress } = options;
  const total = plan.entries.length;
  const onCount =
    onProgress &&
    ((_bytes: number, done: number) =>
      onProgress({ what: 'rendering', unit: 'items', done: Math.min(done, total), total }));
  const result: RenderResult = { skipped: {}, copies: {} };
  await withControl(options.signal, onCount, async (control) => {
    // A further name of an inode comes after all first names, wherever its shard would have been.
    const firsts = plan.entries.filter(({ group, path }) => group === '' || group === path);
    const links = plan.entries.filter(({ group, path }) => group !== '' && group !== path);
    const shards = cutShards(firsts, pool.size * SHARDS_PER_WORKER);
    let left = shards.length;
    await eachOf(shards, pool.size, async (entries) => {
      const shard = packShard(entries);
      const part = await pool.run<'render'>({
        kind: 'render',
        control,
        root,
        objects: layout.objects,
        shard,
        mode,
        identity,
        uidShift,
      });
      mergeSkipped(result.skipped, part.skipped);
      Object.assign(result.copies, part.copies);
      // The disk takes the first half while the workers make the second.
      if (--left > 0) disk.writeBehind();
    });
    if (links.length > 0) {
      await pool.run<'join'>({ kind: 'join', root, links: links.map(({ group, path }) => [group, path]) });
    }
    const directories = plan.entries.filter(({ type }) => type === 'dir');
    for (const part of await settle(store, directories, root, uidShift)) mergeSkipped(result.skipped, part.skipped);
    if (mode === 'link') mergeSkipped(result.skipped, skippedOfObjects(store, plan.entries));
  });
  return result;
}

/** Directories by depth halves: as root in any order, as a user deepest first, on one worker. */
async function settle(store: StoreContext, directories: readonly PlanEntry[], root: string, uidShift: number) {
  const { pool, identity } = store;
  const lanes = identity.uid === 0 ? pool.size : 1;
  const length = Math.ceil(directories.length / lanes);
  return eachOf(Array.from({ length: lanes }), lanes, (_none, i) => {
    const shard = packShard(directories.slice(i * length, (i + 1) * length));
    return pool.run<'settle'>({ kind: 'settle', root, shard, identity, uidShift });
  });
}

/** A link has the metadata of its object, and lacks what the object lacks. */
function skippedOfObjects(store: StoreContext, entries: readonly PlanEntry[]): Skipped {
  const skipped: Skipped = {};
  for (const entry of entries) {
    // As root only extended attributes can fail to stick, and few files have any.
    if (entry.type !== 'file' || (store.identity.uid === 0 && entry.xattrs.length === 0)) continue;
    const record = store.index.objects.get(objectKey(`${entry.key}.${variantOf(entry)}`));
    for (const what of record?.skipped ?? []) mergeSkipped(skipped, { [what]: { count: 1, paths: [entry.path] } });
  }
  return skipped;
}

export function mergeSkipped(into: Skipped, more: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(more)) {
    into[what] ??= { count: 0, paths: [] };
    const known = into[what] as Skipped[string];
    known.count += count;
    known.paths.push(...paths.slice(0, MAX_EXAMPLES - known.paths.length));
  }
}
