/** Kills every command at every system call that changes something. */
import type { Operation } from './operations.js';
import type { Call, Fault, TracedRun } from './strace.js';
import { type Assessment, type SweepOptions, type Swept, sweepFaults } from './sweep.js';

export type KillOptions = Pick<SweepOptions, 'perOperation' | 'only' | 'program' | 'enough'> & {
  operations: readonly Operation[];
};

export function sweepKills(dir: string, options: KillOptions): Promise<Swept> {
  return sweepFaults(dir, { ...options, faults: killsAt, assess: wasKilled });
}

/** A fault for each kind of call and each number of them that a thread reaches. */
function killsAt(calls: readonly Call[]): Fault[] {
  const points = new Map<string, Fault>();
  for (const { name: call, nth, changing } of calls) {
    if (changing) points.set(`${call} ${nth}`, { call, nth, effect: 'kill' });
  }
  return [...points.values()];
}

function wasKilled(run: TracedRun): Assessment {
  return { counts: run.killed, wrong: run.timedOut ? ['it hangs'] : [] };
}
