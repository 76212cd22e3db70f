/** The merging of layers into one tree, and the hash of that tree. */
import { planAci } from '../../engine/plan/aci.js';
import { planOci } from '../../engine/plan/oci.js';
import type { Plan } from '../../engine/plan/plan.js';
import { treeHashOf } from '../../engine/plan/tree-hash.js';
import type { MicroGroup } from './case.js';
import { tocOf } from './inputs.js';

const LAYERS = 4;
const FILES = 10_000;

/** Plans four layers, each of which shares a quarter of its paths with the one below. */
export function planCases(): MicroGroup {
  const tocs = Array.from({ length: LAYERS }, (_none, i) => tocOf(FILES, i * FILES * 0.75));
  const count = tocs.reduce((sum, toc) => sum + toc.length, 0);
  const chain = tocs.toReversed().map((toc, i) => ({ toc, dependent: i - 1, pathWhitelist: [] }));
  const listed = tocs
    .flat()
    .filter((_entry, i) => i % 2 === 0)
    .map(({ path }) => path);
  const plan = planOci(tocs);
  return {
    name: 'plan',
    cases: [
      { name: 'planAci', count, unit: 'paths', run: () => check(planAci(chain)) },
      {
        name: 'planAci, whitelist of half',
        count,
        unit: 'paths',
        run: () => check(planAci(chain.map((place, i) => (i === 0 ? { ...place, pathWhitelist: listed } : place)))),
      },
      { name: 'planOci', count, unit: 'paths', run: () => check(planOci(tocs)) },
      {
        name: 'treeHashOf',
        count: plan.entries.length,
        unit: 'paths',
        run: () => {
          treeHashOf(plan);
        },
      },
    ],
  };
}

function check({ files }: Plan): void {
  if (files < FILES) throw new Error(`${files} files`);
}
