/** The questions that the benchmarks ask, each as cairn and its peers. A new one is a file here and a line below. */
import type { ObjectLayout } from '../../engine/session/format.js';
import type { Ground } from '../inputs/ground.js';
import { limitCheck } from '../limits/limit-check.js';
import { limitFetch } from '../limits/limit-fetch.js';
import { limitBulk, limitImport, limitLarge, limitSmall } from '../limits/limit-import.js';
import { limitRender } from '../limits/limit-render.js';
import type { Scenario } from '../measure/contestant.js';
import { LAYOUTS, layoutsBeside } from '../measure/layouts.js';
import { again } from './again.js';
import { build } from './build.js';
import { bulk, bulkTiny } from './bulk.js';
import { check, checkCold } from './check.js';
import { cold } from './cold.js';
import { fetchCold } from './fetch.js';
import { gc } from './gc.js';
import { gcBytes, gcHoles } from './gc-holes.js';
import { gcMany } from './gc-many.js';
import { importChain } from './import.js';
import { importOnly } from './import-only.js';
import { memoryOfLarge, memoryOfSmall } from './memory.js';
import { mountLibrary, mountStored } from './mount.js';
import { oci } from './oci.js';
import { large, small } from './one-layer.js';
import { du, start } from './queries.js';
import { reads } from './reads.js';
import { rebuilds } from './rebuilds.js';
import { reimport } from './reimport.js';
import { runScenarios } from './run.js';
import { scaling } from './scaling.js';
import { storeSize } from './store-size.js';
import { warm } from './warm.js';
import { warmLibrary } from './warm-library.js';

/** By the name that the command line takes; some names stand for several scenarios. */
type Named = Readonly<Record<string, (ground: Ground, layouts?: readonly ObjectLayout[]) => readonly Scenario[]>>;

/** What runs where no scenario is named. */
export const SCENARIOS: Named = {
  warm: inLayouts(warm),
  'warm-library': inLayouts(warmLibrary),
  mount: inLayouts(mountStored),
  'mount-library': inLayouts(mountLibrary),
  cold: inLayouts(cold),
  import: inLayouts(importChain),
  oci: inLayouts(oci),
  fetch: inLayouts(fetchCold),
  again: inLayouts(again),
  reimport: inLayouts(reimport),
  small: inLayouts(small),
  large: inLayouts(large),
  bulk: inLayouts(bulk, bulkTiny),
  'import-only': inLayouts(importOnly),
  build: inLayouts(build),
  check: inLayouts(check),
  'check-cold': inLayouts(checkCold),
  gc: inLayouts(gc),
  'gc-many': inLayouts(gcMany),
  'gc-holes': inLayouts(gcHoles, gcBytes),
  rebuilds: inLayouts(rebuilds),
  memory: inLayouts(memoryOfLarge, memoryOfSmall),
  reads: inLayouts(reads),
  du: inLayouts(du),
  start: (ground) => [start(ground)],
  scaling: inLayouts(scaling),
  'store-size': inLayouts(storeSize),
  run: inLayouts(runScenarios),
};

/**
 * What runs only when it is asked for: each takes long, and tells where the limit is rather than how fast cairn is.
 * These are limits of stores that keep each content as a file.
 */
export const LIMITS: Named = {
  limit: inLoose(limitRender, limitImport),
  'limit-small': inLoose(limitSmall),
  'limit-large': inLoose(limitLarge),
  'limit-bulk': inLoose(limitBulk),
  'limit-check': inLoose(limitCheck),
  'limit-fetch': inLoose(limitFetch),
};

/** @throws RangeError for a name that the command line would have refused */
export function scenariosOf(name: string, ground: Ground, layouts?: readonly ObjectLayout[]): readonly Scenario[] {
  const make = SCENARIOS[name] ?? LIMITS[name];
  if (make === undefined) throw new RangeError(name);
  return make(ground, layouts);
}

type Making = (ground: Ground) => Scenario | readonly Scenario[];

function inLayouts(...makers: readonly Making[]) {
  return (ground: Ground, layouts = LAYOUTS): readonly Scenario[] => {
    const made = layouts.map((layout) => makers.flatMap((make) => make({ ...ground, layout })));
    const [first = []] = made;
    return first.flatMap((_scenario, i) =>
      layoutsBeside(layouts.map((layout, n) => [layout, made[n]?.[i] as Scenario] as const)),
    );
  };
}

function inLoose(...makers: readonly Making[]) {
  return (ground: Ground): readonly Scenario[] => makers.flatMap((make) => make({ ...ground, layout: 'loose' }));
}
