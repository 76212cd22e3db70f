/** Exports a plan anew: as a tar, or as an EROFS image. */
import type { ExportErofsTask, ExportResult, ExportTreeTask } from '../../workers/tasks/export.js';
import { hexOf } from '../core/key.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import { packShard } from '../plan/shard.js';
import { treeHashOf } from '../plan/tree-hash.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';

export type PlanOutput = Pick<ExportTreeTask, 'output' | 'compress' | 'manifest' | 'digests'> & { work: Work };

export function exportEntries(
  store: StoreContext,
  entries: readonly PlanEntry[],
  { work, ...to }: PlanOutput,
): Promise<ExportResult> {
  return work.ask('export-tree', { ...packed(store, entries), ...to });
}

const UUID_DIGITS = 32;

/** @returns also the metadata that the image does not hold */
export function exportErofs(
  store: StoreContext,
  plan: Plan,
  { work, ...to }: Pick<ExportErofsTask, 'output' | 'compress'> & { work: Work },
): Promise<ExportResult> {
  const uuid = Buffer.from(hexOf(treeHashOf(plan)).slice(0, UUID_DIGITS), 'hex');
  return work.ask('export-erofs', { ...packed(store, plan.entries), uuid, ...to });
}

function packed({ objects }: StoreContext, entries: readonly PlanEntry[]) {
  return {
    shard: packShard(entries),
    sizes: Float64Array.from(entries, ({ size }) => size),
    groups: entries.map(({ group }) => group).join('\0'),
    objects: objects.at,
  };
}
