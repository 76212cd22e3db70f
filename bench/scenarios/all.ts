/** The questions that the benchmarks ask, each as cairn and its peers. A new one is a file here and a line below. */
import type { Ground } from '../inputs/ground.js';
import { limitCheck } from '../limits/limit-check.js';
import { limitFetch } from '../limits/limit-fetch.js';
import { limitBulk, limitImport, limitLarge, limitSmall } from '../limits/limit-import.js';
import { limitRender } from '../limits/limit-render.js';
import type { Scenario } from '../measure/contestant.js';
import { again } from './again.js';
import { build } from './build.js';
import { bulk, bulkTiny } from './bulk.js';
import { check } from './check.js';
import { cold } from './cold.js';
import { fetchCold } from './fetch.js';
import { gc } from './gc.js';
import { importOnly } from './import-only.js';
import { mountStored } from './mount.js';
import { oci } from './oci.js';
import { large, small } from './one-layer.js';
import { du, start } from './queries.js';
import { reimport } from './reimport.js';
import { runScenarios } from './run.js';
import { scaling } from './scaling.js';
import { storeSize } from './store-size.js';
import { warm } from './warm.js';
import { warmLibrary } from './warm-library.js';

/** By the name that the command line takes; some names stand for several scenarios. */
type Named = Readonly<Record<string, (ground: Ground) => readonly Scenario[]>>;

/** What runs where no scenario is named. */
export const SCENARIOS: Named = {
  warm: one(warm),
  'warm-library': one(warmLibrary),
  mount: one(mountStored),
  cold: one(cold),
  oci: one(oci),
  fetch: one(fetchCold),
  again: one(again),
  reimport: one(reimport),
  small: one(small),
  large: one(large),
  bulk: (ground) => [bulk(ground), bulkTiny(ground)],
  'import-only': one(importOnly),
  build: one(build),
  check: one(check),
  gc: one(gc),
  du: one(du),
  start: one(start),
  scaling,
  'store-size': storeSize,
  run: runScenarios,
};

/** What runs only when it is asked for: each takes long, and tells where the limit is rather than how fast cairn is. */
export const LIMITS: Named = {
  limit: (ground) => [limitRender(ground), limitImport(ground)],
  'limit-small': one(limitSmall),
  'limit-large': one(limitLarge),
  'limit-bulk': one(limitBulk),
  'limit-check': one(limitCheck),
  'limit-fetch': one(limitFetch),
};

/** @throws RangeError for a name that the command line would have refused */
export function scenariosOf(name: string, ground: Ground): readonly Scenario[] {
  const make = SCENARIOS[name] ?? LIMITS[name];
  if (make === undefined) throw new RangeError(name);
  return make(ground);
}

function one(make: (ground: Ground) => Scenario) {
  return (ground: Ground): readonly Scenario[] => [make(ground)];
}
