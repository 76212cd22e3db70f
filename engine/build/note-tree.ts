/** Notes what a new tree is, so that a later look shows what has changed. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { joinSeen, lastChange, type Seen } from '../../workers/tasks/seen.js';
import { batches } from '../core/batches.js';
import { mapped } from '../core/mapped.js';
import { type OperationOptions, telling } from '../core/operation.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';

export async function noteTree(
  { pool }: StoreContext,
  root: string,
  { entries }: Plan,
  options: OperationOptions,
): Promise<Seen> {
  const onProgress = telling(options, { what: 'noting', unit: 'items', total: entries.length });
  const tasks = mapped(
    batches(entries, () => 0),
    (part) => ({ root, paths: part.map(({ path }) => path).join('\0') }),
  );
  return joinSeen(await pool.map('note-tree', tasks, { signal: options.signal, onProgress }));
}

/** Longest time that a file system's clock may stand still, as FAT's does. */
const COARSEST_CLOCK_MS = 2500;

/**
 * Waits until a new change gets a later time than all that were noted. A change in the same tick of the file system's
 * clock would not show.
 */
export async function letClockPass(dir: string, seen: Seen): Promise<void> {
  const probe = join(dir, '.clock');
  const last = lastChange(seen);
  const until = performance.now() + COARSEST_CLOCK_MS;
  try {
    for (;;) {
      fs.writeFileSync(probe, '');
      if (fs.lstatSync(probe, { bigint: true }).ctimeNs > last || performance.now() > until) return;
      fs.rmSync(probe);
      await setTimeout(2);
    }
  } finally {
    fs.rmSync(probe, { force: true });
  }
}
