/** The types of what is measured: contestants, peers, scenarios. */
import type { Deviation } from './deviations.js';
import type { Stopwatch } from './stopwatch.js';

export interface Contestant {
  name: string;
  /** Its place on the axis; only in a scenario that has an axis. */
  x?: number;
  /** Makes no tree, where others of its scenario do: there is nothing to compare. */
  treeless?: true;
  /** The ways in which its tree may differ from cairn's. Any other difference disqualifies it. */
  deviations?: readonly Deviation[];
  /** Makes ready what a run needs; not timed. */
  prepare?(): Promise<void>;
  /** One run. Only what goes through the stopwatch is timed. @returns the root of the tree that it made, if any */
  run(stopwatch: Stopwatch): Promise<string | undefined>;
  /** Removes what a run made, so that each contestant finds the disk in the same state; not timed. */
  clear?(): Promise<void>;
}

/** A contestant that needs programs or packages, which a machine may lack. */
export interface Peer {
  contestant: Contestant;
  /** Programs that must be on the path. */
  programs?: readonly string[];
  /** Packages that must be installed beside this one. */
  packages?: readonly string[];
  /** Another reason why it cannot take part. */
  unfit?: string | undefined;
}

export interface Skipped {
  name: string;
  why: string;
}

/** What is compared: elapsed time, processor time, or bytes of memory or on disk. */
export type Measure = 'wall' | 'cpu' | 'bytes';

export interface Scenario {
  name: string;
  what: string;
  measure: Measure;
  /** The bytes that a run processes, for a speed; known after the runs. */
  bytes?: () => number;
  /** For one program at several sizes: the name of what varies, and the name of the line in the chart. */
  axis?: { over: string; line: string };
  /** The first one is cairn's; the others are compared with it. */
  contestants: readonly [Contestant, ...Contestant[]];
  skipped: readonly Skipped[];
  /** Why nobody can take part here: what all contestants need is missing. */
  unfit?: string | undefined;
  /** Closes what the scenario holds open, and removes its inputs. */
  close?(): Promise<void>;
}
