/** Damaged and hostile documents, names, keys and packed forms give a value or a typed error, and nothing else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CairnError } from '../../engine/core/errors.js';
import { readRecipe } from '../../engine/layer/recipe.js';
import { decodeToc, encodeToc, type TocEntry } from '../../engine/layer/toc.js';
import { asRead } from '../fixtures/entries.js';
import { fuzzDocuments } from './documents.js';

const COUNT = 1500;
const VERSIONS = [1, 2] as const;

for (const [behaviour, seed] of [
  ['documents of a known seed', 1],
  ['documents of a seed of their own', Date.now() % 2 ** 31],
] as const) {
  test(behaviour, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const { documents, accepted } = await fuzzDocuments(COUNT, seed).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
    assert.ok(accepted > documents / 20 && accepted < documents / 2, `${accepted} of ${documents} are taken`);
  });
}

const ENTRY: TocEntry = {
  path: 'a',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sec: 0,
  nsec: 0,
  size: 1,
  key: '0'.repeat(128),
  link: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

test('a table of contents is packed and unpacked in parts where it is large', () => {
  const entries = Array.from({ length: 9000 }, (_none, i): TocEntry => {
    const type = i % 3 === 0 ? 'symlink' : 'file';
    const key = type === 'file' ? i.toString(16).padStart(128, '0') : '';
    return {
      ...ENTRY,
      path: `${i}/`.padEnd(3000, 'p'),
      type,
      key,
      link: type === 'symlink' ? 't'.repeat(i % 4000) : '',
    };
  });
  for (const part of [entries, entries.slice(0, 1), [{ ...ENTRY, path: '' }], []]) {
    for (const version of VERSIONS) assert.deepEqual(decodeToc(encodeToc(part, version)), asRead(part));
  }
});

test('a table of contents with an impossible length is damaged', () => {
  const lengths = [Number.NaN, -1, 0.5, 1e300, Number.POSITIVE_INFINITY, 2 ** 40, 2 ** 53];
  for (const version of VERSIONS) {
    const packed = encodeToc([ENTRY, { ...ENTRY, path: 'b' }], version);
    for (let at = 'cairn-toc 1\n'.length, n = 0; n < version; n++, at += 8) {
      for (const length of lengths) {
        const spoiled = Buffer.from(packed);
        spoiled.writeDoubleLE(length, at);
        assert.throws(() => decodeToc(spoiled), { code: 'ERR_DAMAGED' }, `${length} at ${at}`);
      }
    }
  }
});

test('a recipe with an impossible length is damaged, and no more of it is read', async () => {
  let read = 0;
  async function* source(): AsyncGenerator<Buffer> {
    yield Buffer.from('cairn-recipe 1\n\xff\xff\xff\xff', 'latin1');
    for (; read < 1000; read++) yield Buffer.alloc(2 ** 16);
  }
  await assert.rejects(
    async () => {
      for await (const _part of readRecipe(source()));
    },
    (error) => error instanceof CairnError && error.code === 'ERR_DAMAGED',
  );
  assert.ok(read < 3, `${read} chunks were read`);
});
