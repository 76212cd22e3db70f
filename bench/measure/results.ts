/** The results of one run of the benchmarks, as `results.json` holds them. */
import type { Machine } from '../machine/machine.js';
import type { Measured } from './measure.js';
import type { Verdict } from './verdict.js';

export interface Results {
  /** ISO 8601. */
  date: string;
  machine: Machine;
  /** The directory of the corpus; `null` for the small one that is packed from node_modules. */
  corpus: string | null;
  /** The checkout of the other build, where two builds were measured. */
  against?: string;
  /** Timed runs of each contestant. */
  runs: number;
  scenarios: Measured[];
  targets: Verdict[];
}
