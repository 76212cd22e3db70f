/** Sparse files and times of any kind: what is written is what is read, and nothing else is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import { formatTime, parseTime } from '../../engine/core/metadata.js';
import { looseName, parseLooseName } from '../../engine/objects/name.js';
import { END, entry, padded } from '../fixtures/archive.js';
import { cut, scan } from '../fixtures/scan.js';
import { chunkLengths } from '../fixtures/tar-arbitrary.js';

interface Sparse {
  size: number;
  parts: [offset: number, length: number][];
  data: Buffer;
  content: Buffer;
}

/** Holes and parts by turns. */
const sparse: fc.Arbitrary<Sparse> = fc
  .array(fc.tuple(fc.nat(3000), fc.uint8Array({ minLength: 1, maxLength: 600 })), { maxLength: 30 })
  .chain((runs) =>
    fc.nat(2000).map((tail) => {
      let at = 0;
      const parts: Sparse['parts'] = [];
      const pieces: Buffer[] = [];
      for (const [hole, bytes] of runs) {
        parts.push([at + hole, bytes.length]);
        pieces.push(Buffer.alloc(hole), Buffer.from(bytes));
        at += hole + bytes.length;
      }
      const content = Buffer.concat([...pieces, Buffer.alloc(tail)]);
      return { size: content.length, parts, data: Buffer.concat(runs.map(([, bytes]) => Buffer.from(bytes))), content };
    }),
  );

function asPax10({ size, parts, data }: Sparse): Buffer {
  const map = padded(Buffer.from([parts.length, ...parts.flat()].map((each) => `${each}\n`).join('')));
  const pax = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'f',
    'GNU.sparse.realsize': `${size}`,
  };
  return entry({ name: 'GNUSparseFile.1/f', pax, content: Buffer.concat([map, data]) });
}

function asPax01({ size, parts, data }: Sparse): Buffer {
  const pax = {
    'GNU.sparse.size': `${size}`,
    'GNU.sparse.numblocks': `${parts.length}`,
    'GNU.sparse.name': 'f',
    'GNU.sparse.map': parts.join(','),
  };
  return entry({ name: 'GNUSparseFile.1/f', pax, content: data });
}

for (const [form, write] of [
  ['1.0', asPax10],
  ['0.1', asPax01],
] as const) {
  test(`a sparse file of pax ${form} is read as it was written, however the archive is cut`, () => {
    fc.assert(
      fc.property(sparse, chunkLengths, (file, lengths) => {
        const bytes = Buffer.concat([write(file), entry({ name: 'next', content: 'x' }), END]);
        const { entries, frames } = scan(cut(bytes, lengths));
        const [found, next] = entries;
        assert.equal(found?.name, 'f');
        assert.ok(found?.content.equals(file.content));
        assert.equal(found.stored, file.data.length);
        assert.equal(next?.name, 'next');
        assert.equal(frames.length + file.data.length + 1, bytes.length);
      }),
      { numRuns: 500 },
    );
  });
}

test('a map that was changed is refused, or describes another file of the same bytes', () => {
  const change = fc.tuple(fc.nat(59), fc.integer({ min: -2000, max: 4000 }));
  fc.assert(
    fc.property(sparse, change, (file, [at, by]) => {
      const parts = file.parts.map((part) => [...part] as [number, number]);
      const part = parts[at >> 1];
      if (part === undefined) return;
      part[at & 1] = Math.max(0, (part[at & 1] as number) + by);
      try {
        const { entries } = scan([Buffer.concat([asPax01({ ...file, parts }), END])]);
        const { content } = entries[0] as { content: Buffer };
        assert.equal(content.length, file.size);
        const data = Buffer.concat(parts.map(([offset, length]) => content.subarray(offset, offset + length)));
        assert.ok(data.equals(file.data));
      } catch (error) {
        assert.ok(isCairnError(error, 'ERR_BAD_ARCHIVE'), String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test('times are spelled so that the same time is read back, before 1970, too', () => {
  const times = fc.record({ sec: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nsec: fc.nat(999_999_999) });
  fc.assert(
    fc.property(times, fc.constantFrom('.', ','), ({ sec, nsec }, point) => {
      assert.deepEqual(parseTime(formatTime(sec, nsec, point), point), { sec, nsec });
      const file = { key: 'ab'.repeat(64), mode: 0o644, uid: 1, gid: 2, sec, nsec, xattrs: [] };
      const named = parseLooseName(looseName(file));
      assert.deepEqual([named?.sec, named?.nsec], [sec, nsec]);
    }),
    { numRuns: 2000 },
  );
});
