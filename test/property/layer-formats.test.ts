/** Recipe and table of contents, the two halves of a layer: both decode to what was encoded; damage is found. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { CairnError } from '../../engine/core/errors.js';
import type { EntryType } from '../../engine/core/metadata.js';
import { type RecipePart, RecipeWriter, readRecipe } from '../../engine/layer/recipe.js';
import { decodeToc, encodeToc, keysInToc, type TocEntry } from '../../engine/layer/toc.js';
import { asRead } from '../fixtures/entries.js';
import { cut } from '../fixtures/scan.js';
import { chunkLengths } from '../fixtures/tar-arbitrary.js';

async function* streamed(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

function pack(parts: readonly RecipePart[]): Buffer {
  const packed: Buffer[] = [];
  const writer = new RecipeWriter((bytes) => packed.push(Buffer.from(bytes)));
  for (const part of parts) {
    if ('frame' in part) writer.frame(part.frame);
    else writer.content(part.content);
  }
  writer.finish();
  return Buffer.concat(packed);
}

async function unpack(chunks: readonly Buffer[]): Promise<RecipePart[]> {
  const parts: RecipePart[] = [];
  for await (const part of readRecipe(streamed(chunks))) {
    parts.push('frame' in part ? { frame: Buffer.from(part.frame) } : part);
  }
  return parts;
}

/** The parts that must survive: neighbouring frames joined, empty ones dropped. */
function joined(parts: readonly RecipePart[]): (string | number)[] {
  const all: (string | number)[] = [];
  for (const part of parts) {
    if ('content' in part) {
      if (part.content > 0) all.push(part.content);
    } else if (part.frame.length > 0) {
      const text = part.frame.toString('latin1');
      if (typeof all.at(-1) === 'string') all.push(`${all.pop()}${text}`);
      else all.push(text);
    }
  }
  return all;
}

const part: fc.Arbitrary<RecipePart> = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => ({ frame: Buffer.from(bytes) })) },
  {
    weight: 5,
    arbitrary: fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: 2 ** 48 - 1 })).map((content) => ({ content })),
  },
);

test('a recipe gives back its frames and the sizes of contents, in order, however its bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 60 }), chunkLengths, async (parts, lengths) => {
      assert.deepEqual(joined(await unpack(cut(pack(parts), lengths))), joined(parts));
    }),
    { numRuns: 300 },
  );
});

const MIB = 2 ** 20;

test('runs of frame bytes may be of any length around and above the 1 MiB of a frame', async () => {
  const lengths = [-25, -24, -19, -18, -13, -12, -7, -6, -1, 0, 1, 6, 12].map((off) => MIB + off);
  for (const length of [...lengths, 2 * MIB - 12, 2 * MIB, 5 * MIB + 3]) {
    const frame = Buffer.alloc(length);
    for (let i = 0; i < length; i++) frame[i] = (i * 31) >> 3;
    const parts = [{ frame: Buffer.from('a') }, { content: 7 }, { frame }, { content: 9 }, { frame: Buffer.from('z') }];
    assert.deepEqual(joined(await unpack([pack(parts)])), joined(parts), `a run of ${length} bytes`);
  }
});

test('contents stand in order where a frame of the recipe is full', async () => {
  for (let off = 0; off < 40; off++) {
    const parts: RecipePart[] = [{ frame: Buffer.alloc(MIB - 60 + off, 1) }];
    for (let i = 1; i <= 8; i++) parts.push({ content: i });
    assert.deepEqual(joined(await unpack([pack(parts)])), joined(parts), `offset ${off}`);
  }
});

test('a hundred thousand contents in a row come back', async () => {
  const parts: RecipePart[] = Array.from({ length: 100_000 }, (_, i) => ({ content: i + 1 }));
  assert.deepEqual(joined(await unpack(cut(pack(parts), [65_536]))), joined(parts));
});

/** Any error of `work` must be `ERR_DAMAGED`. */
async function damagedOr(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof CairnError && error.code === 'ERR_DAMAGED', `${(error as Error).stack}`);
  }
}

test('a recipe cut short anywhere but between its frames is damage', async () => {
  const whole = pack([{ frame: Buffer.from('head') }, { content: 3 }, { frame: Buffer.from('tail') }]);
  for (let at = 0; at < whole.length; at++) {
    if (at === 'cairn-recipe 1\n'.length) continue;
    await assert.rejects(unpack([whole.subarray(0, at)]), { code: 'ERR_DAMAGED' }, `cut at ${at}`);
  }
});

test('a recipe whose inside does not add up is damage', async () => {
  const magic = Buffer.from('cairn-recipe 1\n');
  for (const [behaviour, body] of Object.entries({
    'a run past the end': Buffer.from([9, 0, 0, 0, 0, 0, 1, 2, 3]),
    'bytes that fill no length': Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
  })) {
    const packed = deflateRawSync(body);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(packed.length);
    await assert.rejects(unpack([magic, head, packed]), { code: 'ERR_DAMAGED' }, behaviour);
  }
});

const TYPES: readonly EntryType[] = ['file', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo'];
const byteStrings = fc
  .uint8Array({ maxLength: 30 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)).toString('latin1'));

const tocEntry: fc.Arbitrary<TocEntry> = fc
  .record({
    path: byteStrings,
    type: fc.constantFrom(...TYPES),
    mode: fc.nat(0o7777),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
    sec: fc.maxSafeNat(),
    nsec: fc.nat(999_999_999),
    size: fc.maxSafeNat(),
    key: fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    link: byteStrings,
    devMajor: fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)),
    devMinor: fc.oneof(fc.constant(0), fc.nat(0xffff_ffff)),
    xattrs: fc.array(
      fc
        .tuple(byteStrings, fc.uint8Array({ maxLength: 50 }))
        .map(([name, value]) => ({ name, value: Buffer.from(value) })),
      {
        maxLength: 3,
      },
    ),
  })
  .map((entry) => ({ ...entry, key: entry.type === 'file' ? entry.key : '' }));

const tocVersion = fc.constantFrom(1 as const, 2 as const);

test('a table of contents gives back its entries, every field of them', () => {
  fc.assert(
    fc.property(fc.array(tocEntry, { maxLength: 30 }), tocVersion, (entries, version) => {
      const bytes = encodeToc(entries, version);
      assert.deepEqual(decodeToc(bytes), asRead(entries));
      const files = entries.filter(({ type }) => type === 'file');
      assert.deepEqual(
        keysInToc(bytes),
        files.map(({ key }) => key),
      );
    }),
    { numRuns: 1000 },
  );
});

const damage = fc.record({ version: tocVersion, where: fc.nat(), byte: fc.nat(255) });

test('a damaged table of contents is said to be damaged, or reads as another; nothing else is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(tocEntry, { maxLength: 4 }), damage, async (entries, { version, where, byte }) => {
      const bytes = encodeToc(entries, version);
      const cutShort = bytes.subarray(0, where % bytes.length);
      assert.throws(() => decodeToc(cutShort), { code: 'ERR_DAMAGED' });
      bytes[where % bytes.length] = byte;
      await damagedOr(() => decodeToc(bytes));
      await damagedOr(() => keysInToc(bytes));
    }),
    { numRuns: 3000 },
  );
});
