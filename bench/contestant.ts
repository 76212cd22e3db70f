/** Who is measured, and at what. */
import type { Stopwatch } from './process.js';

export interface Contestant {
  name: string;
  /** Gets everything to where a run begins; not timed. */
  prepare?(): Promise<void>;
  /** One run. Only what goes through the stopwatch is timed. @returns the root of the tree it made, if it made one */
  run(stopwatch: Stopwatch): Promise<string | undefined>;
  /** Takes away what a run left, so that the next contestant finds the disk as this one did; not timed. */
  clear?(): Promise<void>;
}

export interface Skipped {
  name: string;
  why: string;
}

export interface Scenario {
  name: string;
  what: string;
  /** cairn first: the others are compared with it. */
  contestants: readonly [Contestant, ...Contestant[]];
  skipped: readonly Skipped[];
}
