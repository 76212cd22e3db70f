/** The system calls of a render or an unpacking alone: by a C program, see `floor.c`, and those of a render by one in Node, too. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ByteString, fromText, toBuffer } from '../../engine/core/bytes.js';
import type { Contestant, Peer } from '../measure/contestant.js';
import { type Listing, listTree } from '../measure/listing.js';
import { type Command, remove, run } from '../measure/process.js';

const SOURCE = fileURLToPath(new URL('../../../bench/limits/floor.c', import.meta.url));
/** Takes what `floor.c` takes. */
export const PROGRAM = fileURLToPath(new URL('./programs/floor.js', import.meta.url));

/** Links to the files of a tree that is there, or files of their sizes. */
export type FloorKind = 'link' | 'create';

const NAMES: Readonly<Record<FloorKind, string>> = {
  link: 'mkdir, link, utimens, syncfs',
  create: 'mkdir, create, write, utimens, syncfs',
};

/** A tree whose paths and sizes are used. */
export interface FloorSource {
  name: string;
  /** Makes it, if it is not there; it stays. */
  tree: () => Promise<string>;
}

/** As many as a floor is measured with. */
export const THREADS = [1, 2];

export function floor(kind: FloorKind, threads: number, source: FloorSource, dir: string): Peer {
  const compiled = join(dir, 'floor');
  return {
    programs: ['cc'],
    contestant: following(kind, 'C', threads, source, dir, async () => {
      if (!fs.existsSync(compiled)) await run(['cc', '-O2', '-pthread', '-o', compiled, SOURCE]);
      return [compiled];
    }),
  };
}

/** The same calls by Node: what is between it and the C program is the language's, what is between it and cairn is cairn's. */
export function floorInNode(threads: number, source: FloorSource, dir: string): Contestant {
  return following('link', 'Node', threads, source, dir, async () => [process.execPath, PROGRAM]);
}

function following(
  kind: FloorKind,
  language: string,
  threads: number,
  { name, tree }: FloorSource,
  dir: string,
  programOf: () => Promise<Command>,
): Contestant {
  const list = join(dir, `floor-${name}-${kind}.list`);
  const made = join(dir, 'floor-tree');
  let command: Command;
  return {
    name: `${language}: ${NAMES[kind]}; ${threads} thread${threads === 1 ? '' : 's'}`,
    prepare: async () => {
      const root = await tree();
      command = await programOf();
      if (!fs.existsSync(list)) fs.writeFileSync(list, floorList(kind, listTree(root), fromText(root)));
    },
    run: async (stopwatch) => {
      await stopwatch.run([...command, `${threads}`, list, made]);
      return undefined;
    },
    clear: () => remove(made),
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
