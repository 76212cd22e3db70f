/** All of one run of the benchmarks: what `results.json` holds and the reports tell. */
import type { Machine } from '../machine/machine.js';
import type { Measured } from './measure.js';
import type { Verdict } from './verdict.js';

export interface Results {
  /** ISO 8601. */
  date: string;
  machine: Machine;
  /** Where the corpus lay; `null` for the small one that is packed from node_modules. */
  corpus: string | null;
  /** The checkout of the other build, where two were measured beside each other. */
  against?: string;
  /** Timed runs of each contestant. */
  runs: number;
  scenarios: Measured[];
  targets: Verdict[];
}
