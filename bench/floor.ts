/** The system calls of a render or an unpacking alone, by a C program: see `floor.c`. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ByteString, fromText, toBuffer } from '../engine/bytes.js';
import type { Peer } from './contestant.js';
import { type Listing, listTree } from './listing.js';
import { remove, run } from './process.js';

const SOURCE = fileURLToPath(new URL('../../bench/floor.c', import.meta.url));

/** Links to the files of a tree that is there, or files of their sizes. */
export type FloorKind = 'link' | 'create';

const NAMES: Readonly<Record<FloorKind, string>> = {
  link: 'C: mkdir, link, utimens, syncfs',
  create: 'C: mkdir, create, write, utimens, syncfs',
};

/** @param tree makes the tree whose paths and sizes are used */
export function floor(kind: FloorKind, threads: number, tree: () => Promise<string>, dir: string): Peer {
  const program = join(dir, 'floor');
  const list = join(dir, `floor-${kind}.list`);
  const made = join(dir, 'floor-tree');
  return {
    programs: ['cc'],
    contestant: {
      name: `${NAMES[kind]}; ${threads} thread${threads === 1 ? '' : 's'}`,
      prepare: async () => {
        const root = await tree();
        if (!fs.existsSync(program)) await run(['cc', '-O2', '-pthread', '-o', program, SOURCE]);
        if (!fs.existsSync(list)) fs.writeFileSync(list, floorList(kind, listTree(root), fromText(root)));
      },
      run: async (stopwatch) => {
        await stopwatch.run([program, `${threads}`, list, made]);
        return undefined;
      },
      clear: () => remove(made),
    },
  };
}

/** The records that `floor.c` reads. Hard links and devices count as the files and links they are made like. */
export function floorList(kind: FloorKind, listing: Listing, root: ByteString): Buffer {
  const records: ByteString[] = [];
  for (const [path, { type, size, content }] of listing) {
    if (path === '') continue;
    if (type === 'directory') records.push(`d${path}`);
    else if (type === 'symlink') records.push(`s${path}`, content);
    else if (kind === 'link') records.push(`l${path}`, `${root}/${path}`);
    else if (type === 'file') records.push(`f${path}`, `${size}`);
  }
  return toBuffer(records.map((field) => `${field}\0`).join(''));
}
