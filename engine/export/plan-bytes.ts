/** Exports planned entries as a new tar. */
import type { ExportResult, ExportTreeTask } from '../../workers/tasks/export.js';
import type { PlanEntry } from '../plan/plan.js';
import { packShard } from '../plan/shard.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';

export type PlanOutput = Pick<ExportTreeTask, 'output' | 'compress' | 'manifest' | 'digests'> & { work: Work };

export function exportEntries(
  store: StoreContext,
  entries: readonly PlanEntry[],
  { work, ...to }: PlanOutput,
): Promise<ExportResult> {
  return work.ask('export-tree', {
    shard: packShard(entries),
    sizes: Float64Array.from(entries, ({ size }) => size),
    groups: entries.map(({ group }) => group).join('\0'),
    objects: store.objects.at,
    ...to,
  });
}
