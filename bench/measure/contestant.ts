/** Who is measured, and at what. */
import type { Deviation } from './deviations.js';
import type { Stopwatch } from './stopwatch.js';

export interface Contestant {
  name: string;
  /** Its place on the axis of a scenario that has one. */
  x?: number;
  /** In what its tree may differ from cairn's; anything else disqualifies it. */
  deviations?: readonly Deviation[];
  /** Gets everything to where a run begins; not timed. */
  prepare?(): Promise<void>;
  /** One run. Only what goes through the stopwatch is timed. @returns the root of the tree it made, if it made one */
  run(stopwatch: Stopwatch): Promise<string | undefined>;
  /** Takes away what a run left, so that the next contestant finds the disk as this one did; not timed. */
  clear?(): Promise<void>;
}

/** A contestant that needs what a machine may not have. */
export interface Peer {
  contestant: Contestant;
  /** Programs that must be on the path. */
  programs?: readonly string[];
  /** Packages that must be installed beside this one. */
  packages?: readonly string[];
  /** Why it cannot take part for another reason. */
  unfit?: string | undefined;
}

export interface Skipped {
  name: string;
  why: string;
}

export interface Scenario {
  name: string;
  what: string;
  /** What counts: elapsed time, or processor time where the work per core is the question. */
  measure: 'wall' | 'cpu';
  /** Bytes that each run goes through, for a speed; known once the runs are over. */
  bytes?: () => number;
  /** What the contestants vary, if they are one program at different sizes: its name and that of the line. */
  axis?: { over: string; line: string };
  /** cairn first: the others are compared with it. */
  contestants: readonly [Contestant, ...Contestant[]];
  skipped: readonly Skipped[];
  /** Lets go of what the scenario held open and takes away its inputs. */
  close?(): Promise<void>;
}
