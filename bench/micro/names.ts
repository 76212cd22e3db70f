/** Paths and names of objects: what is done once for every entry of an archive. */
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { cleanPath } from '../../engine/core/path.js';
import { looseName, parseLooseName } from '../../engine/objects/name.js';
import type { MicroGroup } from './case.js';
import { tocOf } from './inputs.js';

const FILES = 20_000;

export function nameCases(): MicroGroup {
  const toc = tocOf(FILES);
  const raw = toc.map(({ path }, i) => (i % 2 === 0 ? `./${path}` : `rootfs/${path}/`));
  const files = toc.filter(({ type }) => type === 'file');
  const names = files.map(looseName);
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
        name: 'looseName',
        count: files.length,
        unit: 'names',
        run: () => {
          for (const file of files) looseName(file);
        },
      },
      {
        name: 'parseLooseName',
        count: files.length,
        unit: 'names',
        run: () => {
          for (const name of names) if (parseLooseName(name) === undefined) throw new Error(name);
        },
      },
    ],
  };
}
