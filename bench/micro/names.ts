import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { cleanPath } from '../../engine/core/path.js';
import { parseVariant, variantOf } from '../../engine/objects/name.js';
import type { MicroGroup } from './case.js';
import { tocOf } from './inputs.js';

const FILES = 20_000;

/** What is done once for every entry. */
export function nameCases(): MicroGroup {
  const toc = tocOf(FILES);
  const raw = toc.map(({ path }, i) => (i % 2 === 0 ? `./${path}` : `rootfs/${path}/`));
  const variants = toc.map(variantOf);
  const count = toc.length;
  return {
    name: 'names',
    cases: [
      {
        name: 'cleanPath',
        count,
        unit: 'paths',
        run: () => {
          for (const path of raw) cleanPath(path, DEFAULT_LIMITS);
        },
      },
      {
        name: 'variantOf',
        count,
        unit: 'variants',
        run: () => {
          for (const entry of toc) variantOf(entry);
        },
      },
      {
        name: 'parseVariant',
        count,
        unit: 'variants',
        run: () => {
          for (const variant of variants) if (parseVariant(variant) === undefined) throw new Error(variant);
        },
      },
    ],
  };
}
