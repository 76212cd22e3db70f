/** Planned entries as a new tar. */
import type { ExportResult, ExportTreeTask } from '../../workers/tasks/export.js';
import type { PlanEntry } from '../plan/plan.js';
import { packShard } from '../plan/shard.js';
import type { StoreContext } from '../session/context.js';

export type PlanOutput = Pick<ExportTreeTask, 'control' | 'output' | 'compress' | 'manifest' | 'digests'>;

export function exportEntries(
  store: StoreContext,
  entries: readonly PlanEntry[],
  to: PlanOutput,
): Promise<ExportResult> {
  return store.pool.run<'export-tree'>({
    kind: 'export-tree',
    shard: packShard(entries),
    sizes: Float64Array.from(entries, ({ size }) => size),
    groups: entries.map(({ group }) => group).join('\0'),
    objects: store.layout.objects,
    ...to,
  });
}
