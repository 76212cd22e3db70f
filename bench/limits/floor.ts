/**
 * The system calls of a render or of an unpacking alone, made by the C program `floor.c`. A program in Node makes those
 * of a render, too.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ByteString, fromText, toBuffer } from '../../engine/core/bytes.js';
import type { Contestant, Peer } from '../measure/contestant.js';
import { type Listing, listTree } from '../measure/listing.js';
import { type Command, remove, run } from '../measure/process.js';

const SOURCE = fileURLToPath(new URL('../../../bench/limits/floor.c', import.meta.url));
/** The program in Node; it takes the arguments that `floor.c` takes. */
export const PROGRAM = fileURLToPath(new URL('./programs/floor.js', import.meta.url));

/** `link` makes hard links to the files of a tree, `create` makes files of the same sizes. */
export type FloorKind = 'link' | 'create';

const NAMES: Readonly<Record<FloorKind, string>> = {
  link: 'mkdir, link, utimens, syncfs',
  create: 'mkdir, create, write, utimens, syncfs',
};

/** The tree that tells which paths and sizes to make. */
export interface FloorSource {
  name: string;
  /** Makes the tree where it is missing, and leaves it there. @returns its root */
  tree: () => Promise<string>;
}

/** Each floor and each stage is measured with so many threads. */
export const THREADS = [1, 2];

export function floor(kind: FloorKind, threads: number, source: FloorSource, dir: string): Peer {
  const compiled = join(dir, 'floor');
  const command = async (): Promise<Command> => {
    if (!fs.existsSync(compiled)) await run(['cc', '-O2', '-pthread', '-o', compiled, SOURCE]);
    return [compiled];
  };
  return { programs: ['cc'], contestant: following({ kind, language: 'C', threads, command }, source, dir) };
}

/** Node makes the calls more slowly than C. What cairn takes beyond this program, cairn itself spends. */
export function floorInNode(threads: number, source: FloorSource, dir: string): Contestant {
  const command = async (): Promise<Command> => [process.execPath, PROGRAM];
  return following({ kind: 'link', language: 'Node', threads, command }, source, dir);
}

/** A program that makes what a list says. */
interface Follower {
  kind: FloorKind;
  language: string;
  threads: number;
  /** Makes the program where it has to be made. */
  command: () => Promise<Command>;
}

function following({ kind, language, threads, command }: Follower, source: FloorSource, dir: string): Contestant {
  const { name, tree } = source;
  const list = join(dir, `floor-${name}-${kind}.list`);
  const made = join(dir, 'floor-tree');
  let program: Command;
  return {
    name: `${language}: ${NAMES[kind]}; ${threads} thread${threads === 1 ? '' : 's'}`,
    prepare: async () => {
      const root = await tree();
      program = await command();
      if (!fs.existsSync(list)) fs.writeFileSync(list, floorList(kind, listTree(root), fromText(root)));
    },
    run: async (stopwatch) => {
      await stopwatch.run([...program, `${threads}`, list, made]);
      return undefined;
    },
    clear: () => remove(made),
  };
}

/** The records that `floor.c` reads. Each name of a file counts as a file of its own; `create` leaves devices out. */
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
