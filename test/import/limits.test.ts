/** Every limit has its error code and names the flag that raises it. With a higher limit the same input passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, type Limits, limitFlag } from '../../engine/core/limits.js';
import { TarScanner } from '../../engine/layer/tar/scan.js';
import { aci, END, type EntrySpec, entry, header, manifest, paxHeader, tar } from '../fixtures/archive.js';
import { layoutOfBlobs } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

interface Row {
  /** The input, which is refused at `low` and taken at `high`. */
  what: string;
  low: string;
  high: string;
  /** Makes the input. @returns the command that runs into the limit */
  command: (s: TestStore) => string[] | Promise<string[]>;
  code?: 'ERR_LIMIT' | 'ERR_BAD_ARCHIVE';
}

const NAME = 'example.com/limits';
const importing =
  (bytes: Buffer) =>
  (s: TestStore): string[] => ['import', s.write('image', bytes)];
const image = (...entries: EntrySpec[]): Buffer => aci({ name: NAME }, entries);
const EMPTY_MEMBERS = Buffer.concat(Array.from({ length: 1000 }, () => gzipSync('')));

const ROWS: Readonly<Record<keyof Limits, Row>> = {
  maxEntries: {
    what: 'an archive of four entries',
    low: '3',
    high: '4',
    command: importing(image({ name: 'a' }, { name: 'b' })),
  },
  maxBytes: {
    what: 'a layer of 1 MiB and its headers',
    low: '1MiB',
    high: '1100KiB',
    command: importing(
      image({ name: 'a', content: Buffer.alloc(2 ** 19) }, { name: 'b', content: Buffer.alloc(2 ** 19, 1) }),
    ),
  },
  maxRatio: {
    what: 'gzip that unpacks to some 500 times its size, past what is free',
    low: '100',
    high: '1000',
    command: importing(gzipSync(image({ name: 'a', content: Buffer.alloc(2 ** 29) }))),
  },
  maxPath: {
    what: 'a path of 1006 bytes',
    low: '1005',
    high: '1006',
    command: importing(image({ name: 'x', pax: { path: `rootfs/${`${'d'.repeat(99)}/`.repeat(10)}`.slice(0, -1) } })),
    code: 'ERR_BAD_ARCHIVE',
  },
  maxDepth: {
    what: 'a path of 300 components',
    low: '299',
    high: '300',
    command: importing(image({ name: 'x', pax: { path: `rootfs/${'d/'.repeat(299)}` }, flag: '5' })),
  },
  maxPax: {
    what: 'an extended header of 1 MiB and more',
    low: '1MiB',
    high: '2MiB',
    command: importing(image({ name: 'a', pax: { comment: 'x'.repeat(2 ** 20) } })),
  },
  maxMetadata: {
    what: 'extended attributes of 100 000 bytes in two entries',
    low: '100000',
    high: '100400',
    command: importing(
      image(
        { name: 'a', pax: { 'SCHILY.xattr.user.overlay.a': Buffer.alloc(50_000) } },
        { name: 'b', pax: { 'SCHILY.xattr.user.overlay.b': Buffer.alloc(50_000) } },
      ),
    ),
  },
  maxOverhead: {
    what: 'gzip with a thousand empty members',
    low: '10000',
    high: '30000',
    command: importing(Buffer.concat([gzipSync(image({ name: 'a' })), EMPTY_MEMBERS])),
  },
  maxDependencies: {
    what: 'an image with two images below it',
    low: '1',
    high: '2',
    command: async (s) => {
      const needs = (name: string) => ({
        name: `example.com/${name}`,
        dependencies: [{ imageName: `example.com/${name}${name}` }],
      });
      await s.ok([
        'import',
        s.aci('aa', { name: 'example.com/aaaa' }),
        s.aci('a', needs('aa')),
        s.aci('top', { name: NAME, dependencies: [{ imageName: 'example.com/aa' }] }),
      ]);
      return ['render', NAME];
    },
  },
  maxLayers: {
    what: 'an image of three layers',
    low: '2',
    high: '3',
    command: (s) => [
      'import',
      layoutOfBlobs(
        s.path('layout'),
        'deep',
        ['a', 'b', 'c'].map((name) => tar([{ name }])),
      ),
    ],
  },
  maxManifest: {
    what: 'a manifest of more than 4 MiB',
    low: '4MiB',
    high: '5MiB',
    command: importing(aci(manifest({ name: NAME }).padEnd(2 ** 22 + 1))),
    code: 'ERR_BAD_ARCHIVE',
  },
};

for (const [name, { what, low, high, command, code = 'ERR_LIMIT' }] of Object.entries(ROWS)) {
  const flag = limitFlag(name as keyof Limits);
  test(`${flag}: ${what} is refused with ${low} and taken with ${high}`, async (t) => {
    const s = new TestStore(t);
    const args = await command(s);
    const error = await s.refused([flag, low, ...args], code, 1);
    assert.ok(error.message.includes(flag), error.message);
    await s.ok([...args, flag, high]);
  });
}

test('there is a row for every limit', () => {
  assert.deepEqual(Object.keys(ROWS).toSorted(), Object.keys(DEFAULT_LIMITS).toSorted());
});

test('documents of an OCI image keep to --max-manifest, too', async (t) => {
  const s = new TestStore(t);
  const dir = layoutOfBlobs(s.path('layout'), 'large', [tar([{ name: 'a' }])]);
  const error = await s.refused(['import', '--max-manifest', '200', dir], 'ERR_BAD_ARCHIVE', 1);
  assert.equal(error.entry, 'index.json');
  assert.match(error.message, /--max-manifest/);
  await s.ok(['import', '--max-manifest', '2000', dir]);
});

test('two million entries are the default, and one more is too much', () => {
  const many = Buffer.concat(Array.from({ length: 1000 }, (_none, i) => header({ name: `f${i}`, flag: '5' })));
  const chunks = Array.from({ length: DEFAULT_LIMITS.maxEntries / 1000 }, () => many);
  const error = refusalOf([...chunks, header({ name: 'victim' }), END]);
  assert.match(error.message, /2000000 entries \(--max-entries\)/);
  assert.equal(error.entry, 'victim');
});

test('128 MiB of extended attributes are the default, and more is too much', () => {
  const value = Buffer.alloc(65_536);
  const names = Array.from({ length: 15 }, (_none, i) => `SCHILY.xattr.user.${i}`);
  const heavy = Buffer.concat([
    paxHeader(Object.fromEntries(names.map((name) => [name, value]))),
    entry({ name: 'victim' }),
  ]);
  const error = refusalOf(Array.from({ length: 140 }, () => heavy));
  assert.match(error.message, /134217728 bytes .*--max-metadata/);
  assert.equal(error.entry, 'victim');
});

test('an extended attribute counts by what it takes to hold, however short it is', () => {
  const names = Array.from({ length: 30_000 }, (_none, i) => `SCHILY.xattr.${i.toString(36)}`);
  const heavy = Buffer.concat([
    paxHeader(Object.fromEntries(names.map((name) => [name, '']))),
    entry({ name: 'victim' }),
  ]);
  const error = refusalOf(Array.from({ length: 40 }, () => heavy));
  assert.match(error.message, /--max-metadata/);
});

/** The error for an archive that would take too much memory as a whole. */
function refusalOf(chunks: readonly Buffer[]): CairnError {
  const sink = { frame: () => {}, entry: () => {}, content: () => {}, hole: () => {}, entryEnd: () => {} };
  const scanner = new TarScanner(sink, DEFAULT_LIMITS);
  try {
    for (const chunk of chunks) scanner.push(chunk);
  } catch (error) {
    assert.ok(error instanceof CairnError && error.code === 'ERR_LIMIT', String(error));
    return error;
  }
  return assert.fail('it was taken');
}
