/**
 * Damages valid archives: flips bits, writes hostile fields, swaps, doubles, drops and inserts blocks, adds extended
 * headers. Checksums are mostly corrected, or no damage would get past them.
 */
import { header, padded, paxHeader, paxRecord, sign } from '../fixtures/archive.js';
import type { Random } from './random.js';

const BLOCK = 512;
type Mutation = (archive: Buffer, random: Random, names: Names) => Buffer;

/** Values for hostile fields. */
export interface Names {
  /** Names and link targets. */
  paths: readonly string[];
}

/** A copy of an archive with up to six mutations. */
export function mutate(archive: Buffer, random: Random, names: Names): Buffer {
  let mutant: Buffer = Buffer.from(archive);
  for (let left = 1 + random.below(random.chance(0.3) ? 6 : 2); left > 0; left--) {
    mutant = random.pick(MUTATIONS)(mutant, random, names);
  }
  return mutant;
}

/** Flips bits and drops bytes anywhere, as in a compressed stream. */
export function damage(stream: Buffer, random: Random): Buffer {
  const copy = Buffer.from(stream);
  if (copy.length === 0) return copy;
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(copy.length);
    copy[at] = (copy[at] as number) ^ (1 << random.below(8));
  }
  if (random.chance(0.2)) return copy.subarray(0, random.below(copy.length));
  if (random.chance(0.1)) return Buffer.concat([copy, random.bytes(1 + random.below(600))]);
  return copy;
}

function flipBit(archive: Buffer, random: Random): Buffer {
  const at = random.chance(0.8) ? someHeader(archive, random) + random.below(BLOCK) : random.below(archive.length);
  if (at < archive.length) archive[at] = (archive[at] as number) ^ (1 << random.below(8));
  return repaired(archive, at, random);
}

/** Offsets and lengths of a header's fields. */
const NUMBERS: readonly (readonly [at: number, length: number])[] = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [124, 12],
  [124, 12],
  [136, 12],
  [329, 8],
  [337, 8],
];
const FLAGS = '0000111122223455667xgLKSAVMDNX89\0\xff';

function setNumber(archive: Buffer, random: Random): Buffer {
  const block = someHeader(archive, random);
  const [at, length] = random.pick(NUMBERS);
  if (block + BLOCK > archive.length) return archive;
  const field = archive.subarray(block + at, block + at + length);
  switch (random.below(7)) {
    case 0: // GNU's base-256, negative or not
      random.bytes(length).copy(field);
      field[0] = random.pick([0x80, 0xff, 0x81]);
      break;
    case 1:
      field.fill(0).write(random.pick(['-1', '08', 'NaN', '1e3', '0x10', ' 7', '7 7', '1\x001']), 'latin1');
      break;
    case 2:
      field.fill(0x37);
      break;
    case 3:
      field.fill(random.pick([0, 0x20]));
      break;
    case 4: // 2^53 and its neighbours
      field.fill(0);
      field[0] = 0x80;
      if (length === 12) field.writeUIntBE(2 ** 45 + random.below(3) - 1, length - 7, 6);
      break;
    default:
      field.fill(0).write(random.below(random.pick([2, 600, 2 ** 21])).toString(8), 'latin1');
  }
  return repaired(archive, block, random);
}

function setFlag(archive: Buffer, random: Random): Buffer {
  const block = someHeader(archive, random);
  if (block + BLOCK > archive.length) return archive;
  archive.write(random.pick(FLAGS), block + 156, 'latin1');
  return repaired(archive, block, random);
}

function setText(archive: Buffer, random: Random, { paths }: Names): Buffer {
  const block = someHeader(archive, random);
  if (block + BLOCK > archive.length) return archive;
  const [at, length] = random.pick([[0, 100] as const, [0, 100] as const, [157, 100] as const, [345, 155] as const]);
  archive.fill(0, block + at, block + at + length);
  archive.write(random.pick(paths), block + at, length, 'latin1');
  return repaired(archive, block, random);
}

/** The magic number decides the dialect, and with it how the rest is read. */
function setMagic(archive: Buffer, random: Random): Buffer {
  const block = someHeader(archive, random);
  if (block + BLOCK > archive.length) return archive;
  archive.write(
    random.pick(['ustar\x0000', 'ustar  \0', '\0\0\0\0\0\0\0\0', 'ustar\0  ', 'USTAR\x0000']),
    block + 257,
    'latin1',
  );
  return repaired(archive, block, random);
}

function swapBlocks(archive: Buffer, random: Random): Buffer {
  const [a, b] = [someBlock(archive, random), someBlock(archive, random)];
  const first = Buffer.from(archive.subarray(a, a + BLOCK));
  archive.copyWithin(a, b, b + BLOCK);
  first.copy(archive, b);
  return archive;
}

function doubleBlocks(archive: Buffer, random: Random): Buffer {
  const at = someBlock(archive, random);
  const end = at + BLOCK * (1 + random.below(4));
  return Buffer.concat([archive.subarray(0, end), archive.subarray(at, end), archive.subarray(end)]);
}

function removeBlocks(archive: Buffer, random: Random): Buffer {
  const at = someBlock(archive, random);
  return Buffer.concat([archive.subarray(0, at), archive.subarray(at + BLOCK * (1 + random.below(2)))]);
}

function insertBlock(archive: Buffer, random: Random, names: Names): Buffer {
  const at = random.chance(0.7) ? someHeader(archive, random) : someBlock(archive, random);
  const block = random.chance(0.5)
    ? Buffer.alloc(BLOCK)
    : header({ name: random.pick(names.paths), flag: random.pick(FLAGS), link: random.pick(names.paths), size: 0 });
  return Buffer.concat([archive.subarray(0, at), block, archive.subarray(at)]);
}

function truncate(archive: Buffer, random: Random): Buffer {
  return archive.subarray(0, random.chance(0.5) ? someBlock(archive, random) : random.below(archive.length + 1));
}

function append(archive: Buffer, random: Random): Buffer {
  const more = random.pick([Buffer.alloc(BLOCK), Buffer.alloc(10_240), random.bytes(random.below(1200)), archive]);
  return Buffer.concat([archive, more]);
}

const KEYWORDS = [
  'path',
  'linkpath',
  'size',
  'size',
  'mtime',
  'uid',
  'gid',
  'GNU.sparse.map',
  'SUN.holesdata',
  'comment',
];
const XATTRS = [
  'SCHILY.xattr.user.a',
  'SCHILY.xattr.trusted.overlay.opaque',
  'LIBARCHIVE.xattr.user.a',
  'SCHILY.xattr.',
];
const VALUES = [
  '',
  '0',
  '1',
  '512',
  '1024',
  '-1',
  '1.5',
  '9007199254740993',
  'NaN',
  'a\0b',
  '\xff\xfe',
  'x'.repeat(300),
];

function splicePax(archive: Buffer, random: Random, { paths }: Names): Buffer {
  const at = someHeader(archive, random);
  const records = Array.from({ length: 1 + random.below(3) }, () => {
    const key = random.pick(random.chance(0.8) ? KEYWORDS : XATTRS);
    const isPath = (key === 'path' || key === 'linkpath') && random.chance(0.9);
    return [key, Buffer.from(isPath ? random.pick(paths) : random.pick(VALUES), 'latin1')] as const;
  });
  const flag = random.pick('xxxxg');
  if (random.chance(0.7)) {
    return Buffer.concat([archive.subarray(0, at), paxHeader(Object.fromEntries(records), flag), archive.subarray(at)]);
  }
  // Records with wrong lengths.
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  body.write(String(random.below(100)), 0, 'latin1');
  const lying = Buffer.concat([header({ name: 'pax', flag, size: body.length + random.below(3) - 1 }), padded(body)]);
  return Buffer.concat([archive.subarray(0, at), lying, archive.subarray(at)]);
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setNumber,
  setNumber,
  setFlag,
  setText,
  setText,
  setText,
  setMagic,
  swapBlocks,
  doubleBlocks,
  removeBlocks,
  insertBlock,
  truncate,
  append,
  splicePax,
  splicePax,
];

function someBlock(archive: Buffer, random: Random): number {
  return BLOCK * random.below(Math.max(1, Math.floor(archive.length / BLOCK)));
}

/** The offset of a block that looks like a header, if a few tries find one. */
function someHeader(archive: Buffer, random: Random): number {
  let block = 0;
  for (let tries = 0; tries < 12; tries++) {
    block = someBlock(archive, random);
    // Every dialect has the digits of the checksum there.
    if (block + BLOCK <= archive.length && /^[0-7]{5,6}/.test(archive.toString('latin1', block + 148, block + 154)))
      break;
  }
  return block;
}

/** Corrects the checksum. Most readers stop at a wrong one. */
function repaired(archive: Buffer, at: number, random: Random): Buffer {
  const block = at - (at % BLOCK);
  if (block + BLOCK <= archive.length && random.chance(0.9)) sign(archive.subarray(block, block + BLOCK));
  return archive;
}
