/** Generated images: the same on every machine, and about as compressible as real ones. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { packImage } from './images.js';

const VERSION = '1.0.0';
const FILES_PER_DIRECTORY = 100;
const LARGE_FILES = 5;
const MAX_SMALL = 4096;

/** Pseudo-random 32-bit numbers (xorshift). */
export function numbers(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

const POOL = 4 * 2 ** 20;
const SLICE = 2048;
let pool: Buffer | undefined;

/** Words of a small vocabulary with noise in between. gzip makes two fifths of it, as it does of a system's files. */
function poolOfContent(): Buffer {
  if (pool !== undefined) return pool;
  const next = numbers(1);
  const words = Array.from({ length: 200 }, () =>
    next()
      .toString(36)
      .slice(0, 2 + (next() % 6)),
  );
  const made = Buffer.alloc(POOL);
  for (let at = 0; at < POOL; ) {
    if (next() % 8 === 0) for (const end = Math.min(POOL, at + 256); at < end; at++) made[at] = next() & 0xff;
    else for (let n = 0; n < 80 && at < POOL; n++) at += made.write(`${words[next() % words.length]} `, at, 'latin1');
  }
  pool = made;
  return made;
}

/** @returns `size` bytes, other ones for each seed */
export function contentOf(seed: number, size: number): Buffer {
  const from = poolOfContent();
  const next = numbers(seed);
  const content = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += SLICE) {
    const start = next() % (POOL - SLICE);
    from.copy(content, at, start, start + SLICE);
  }
  content.write(`${seed}\n`, 'latin1');
  return content;
}

export interface Made {
  path: string;
  content: Buffer;
}

function* smallFiles(count: number): Generator<Made> {
  const next = numbers(7);
  for (let i = 0; i < count; i++) {
    const directory = `files/d${Math.floor(i / FILES_PER_DIRECTORY)}`;
    yield { path: `${directory}/f${i}`, content: contentOf(i, next() % MAX_SMALL) };
  }
}

function* largeFiles(bytes: number): Generator<Made> {
  for (let i = 0; i < LARGE_FILES; i++)
    yield { path: `large/f${i}`, content: contentOf(i, Math.floor(bytes / LARGE_FILES)) };
}

/** One layer of small files, up to 4 KiB each. @returns the name of the image */
export async function packSmallFiles(file: string, count: number): Promise<string> {
  const name = `example.com/small-${count}`;
  await packImage(file, { name, version: VERSION, made: smallFiles(count) });
  return name;
}

/** One layer of five files. @returns the name of the image */
export async function packLargeFiles(file: string, bytes: number): Promise<string> {
  const name = 'example.com/large';
  await packImage(file, { name, version: VERSION, made: largeFiles(bytes) });
  return name;
}

/** As many layers as a chain of generated ACIs has. */
const CHAIN = 4;

/**
 * A chain of ACIs whose tree has so many paths. Each layer has files in every directory, so that a tree takes merging.
 * @returns the archives, lowest first
 */
export async function packChain(dir: string, paths: number): Promise<string[]> {
  fs.mkdirSync(dir, { recursive: true });
  const directories = Math.ceil(paths / FILES_PER_DIRECTORY);
  const files = paths - directories - 1;
  const nameOf = (layer: number) => `example.com/chain-${layer}`;
  const archives: string[] = [];
  for (let layer = 0; layer < CHAIN; layer++) {
    const file = join(dir, `chain-${layer}.aci`);
    archives.push(file);
    if (fs.existsSync(file)) continue;
    const dependencies = layer === 0 ? [] : [{ name: nameOf(layer - 1), version: VERSION }];
    const made = chainFiles(layer, files, directories);
    await packImage(file, { name: nameOf(layer), version: VERSION, dependencies, made });
  }
  return archives;
}

function* chainFiles(layer: number, files: number, directories: number): Generator<Made> {
  for (let i = layer; i < files; i += CHAIN)
    yield { path: `files/d${i % directories}/f${i}`, content: contentOf(i, i % MAX_SMALL) };
}

/** Images of one file each, no two alike. @returns the archives */
export async function packTinyImages(dir: string, count: number): Promise<string[]> {
  fs.mkdirSync(dir, { recursive: true });
  const packed: string[] = [];
  for (let i = 0; i < count; i++) {
    const file = join(dir, `tiny${i}.aci`);
    if (!fs.existsSync(file)) {
      const made = [{ path: 'file', content: Buffer.from(`tiny ${i}\n`) }];
      await packImage(file, { name: `example.com/tiny${i}`, version: VERSION, made });
    }
    packed.push(file);
  }
  return packed;
}

export const FILES_PER_IMAGE = 200;

/** How many files an image has, and how many of them are the same in a hundred images. */
export interface ImageFiles {
  files: number;
  alike: number;
}

const ORDINARY: ImageFiles = { files: FILES_PER_IMAGE, alike: 20 };

/** How many of a number of images are older versions of others: a tenth. */
export function outdatedOf(images: number): number {
  return Math.floor(images / 10);
}

/**
 * Packs images of small files, a tenth of them older versions of others. The file `outdated` lists the archives of the
 * older versions, `current` all others, and `twofold` both versions of the images that have two.
 */
export async function packVersions(dir: string, images: number, each: ImageFiles = ORDINARY): Promise<void> {
  fs.mkdirSync(dir, { recursive: true });
  const outdated = outdatedOf(images);
  const archives: string[] = [];
  for (let i = 0; i < images; i++) {
    const file = join(dir, `${i}.aci`);
    const old = i < outdated;
    const name = `example.com/versioned-${old ? i : i - outdated}`;
    await packImage(file, { name, version: old ? '1.0.0' : '2.0.0', made: versionedFiles(i, each) });
    archives.push(file);
  }
  fs.writeFileSync(join(dir, 'outdated'), archives.slice(0, outdated).join('\n'));
  fs.writeFileSync(join(dir, 'current'), archives.slice(outdated).join('\n'));
  fs.writeFileSync(join(dir, 'twofold'), archives.slice(0, 2 * outdated).join('\n'));
}

function* versionedFiles(image: number, { files, alike }: ImageFiles): Generator<Made> {
  for (let n = 0; n < files; n++) {
    const owner = n < alike ? `of a hundred ${Math.floor(image / 100)}` : `of ${image}`;
    yield { path: `files/f${n}`, content: Buffer.from(`file ${n} ${owner}\n`) };
  }
}
