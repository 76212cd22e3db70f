/** Which entries pass the path whitelists above them, case by case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import type { TocEntry } from '../../engine/layer/toc.js';
import { type AciNode, planAci } from '../../engine/plan/aci.js';
import { compileWhitelist, survivors, type Whitelist } from '../../engine/plan/whitelist.js';

/** `d/` is a directory, `l -> a` a hard link to `a`, `s => a` a symlink, anything else a file. */
function toc(...texts: string[]): TocEntry[] {
  return texts.map((text) => {
    const [path, target] = text.split(/ [-=]> /) as [string, string | undefined];
    const isDirectory = text.endsWith('/');
    const type = isDirectory ? 'dir' : text.includes(' -> ') ? 'hardlink' : text.includes(' => ') ? 'symlink' : 'file';
    return {
      path: fromText(isDirectory ? path.replace(/\/$/, '') : path),
      type,
      mode: isDirectory ? 0o700 : 0o644,
      uid: 0,
      gid: 0,
      sec: 0,
      nsec: 0,
      size: type === 'file' ? 1 : 0,
      key: type === 'file' ? 'a'.repeat(128) : '',
      link: target ?? '',
      devMajor: 0,
      devMinor: 0,
      xattrs: [],
    };
  });
}

function image(entries: readonly string[], pathWhitelist: readonly string[] = [], dependent = -1): AciNode {
  return { toc: toc(...entries), pathWhitelist, dependent };
}

/** Paths of the plan below the root; directories that nobody declares in brackets. */
function planned(...places: AciNode[]): string[] {
  return planAci(places)
    .entries.slice(1)
    .map(({ path, layer }) => (layer < 0 ? `(${path})` : path));
}

const SPELLINGS: readonly [listed: string, means: string][] = [
  ['a', 'a'],
  ['/a', 'a'],
  ['a/', 'a'],
  ['/a/', 'a'],
  ['//a//b//', 'a/b'],
  ['./a', 'a'],
  ['/./a/./b', 'a/b'],
  ['a/../b', 'b'],
  ['a/..', ''],
  ['../../a', 'a'],
  ['..', ''],
  ['/', ''],
  ['', ''],
  ['.a', '.a'],
  ['..a/b..', '..a/b..'],
  ['...', '...'],
  ['a b', 'a b'],
  ['a\\b', 'a\\b'],
  ['*', '*'],
  ['é', '\xc3\xa9'],
];

test('a listed path is cleaned, and nothing in it is special', async (t) => {
  for (const [listed, means] of SPELLINGS) {
    await t.test(`${JSON.stringify(listed)} means ${JSON.stringify(means)}`, () => {
      assert.deepEqual([...(compileWhitelist([listed]) as Whitelist).paths], [means]);
    });
  }
});

test('an empty whitelist filters nothing', () => {
  assert.equal(compileWhitelist([]), undefined);
  assert.deepEqual(survivors([{ toc: toc('a'), whitelists: [] }]), [undefined]);
  assert.deepEqual(planned(image(['a', 'd/'])), ['a', 'd']);
});

const CASES: readonly [behaviour: string, places: AciNode[], paths: string[]][] = [
  ['files that are not listed go', [image(['a', 'b'], ['/a'])], ['a']],
  ['a prefix is no match', [image(['a', 'ab', 'a-b', 'd/a'], ['/a'])], ['a']],
  ['case matters', [image(['A', 'a'], ['a'])], ['a']],
  ['listing a path that no image has adds nothing', [image(['a'], ['a', 'b', 'c/d'])], ['a']],
  ['a listed directory stays, its content does not', [image(['d/', 'd/f'], ['/d'])], ['d']],
  ['a directory above a survivor stays', [image(['d/', 'd/e/', 'd/e/f', 'x/'], ['/d/e/f'])], ['d', 'd/e', 'd/e/f']],
  ['a directory above a listed directory stays', [image(['d/', 'd/e/', 'd/e/f'], ['/d/e'])], ['d', 'd/e']],
  ['a directory above what is listed but absent goes', [image(['d/', 'a'], ['/d/f', '/a'])], ['a']],
  ['an undeclared parent of a survivor is made', [image(['d/f', 'd/g'], ['/d/f'])], ['(d)', 'd/f']],
  ['a symlink goes by its own path, not its target', [image(['a', 'l => a'], ['/l'])], ['l']],
  ['the target of a listed symlink need not be listed', [image(['a', 'b', 'l => a'], ['/b', '/l'])], ['b', 'l']],
  ['a hard link goes by its own path', [image(['a', 'l -> a'], ['/a'])], ['a']],
  ['a whitelist that fits nothing leaves the root', [image(['a', 'd/', 'd/f'], ['/nothing'])], []],
  ['an image filters what it depends on', [image(['a'], ['/a', '/b']), image(['b', 'c'], [], 0)], ['a', 'b']],
  [
    'and what that depends on',
    [image([], ['/c']), image(['b', 'c'], [], 0), image(['c', 'd'], [], 1), image(['c'], [], 2)],
    ['c'],
  ],
  [
    'a dependency filters itself and not its dependent',
    [image(['a', 'b']), image(['b', 'c'], ['/c'], 0)],
    ['a', 'b', 'c'],
  ],
  [
    'a path must pass every whitelist above it',
    [image([], ['/a', '/b']), image(['a', 'b', 'c'], ['/b', '/c'], 0)],
    ['b'],
  ],
  [
    'a whitelist does not reach a sibling',
    [image(['t']), image(['a', 'b'], ['/a'], 0), image(['b', 'c'], [], 0)],
    ['a', 'b', 'c', 't'],
  ],
  [
    'what a whitelist drops in an upper image shows through from a sibling below',
    [image([]), image(['d/f', 'd/g'], ['/d/f'], 0), image(['d/', 'd/g'], [], 0)],
    ['d', 'd/f', 'd/g'],
  ],
  [
    'a directory stays for a survivor in another image of the same whitelist',
    [image(['d/'], ['/d/f']), image(['d/f'], [], 0)],
    ['d', 'd/f'],
  ],
  [
    'a directory does not stay for a survivor that only one of its whitelists filters',
    [image(['d/f'], ['/d/f']), image(['d/'], ['/x'], 0)],
    ['(d)', 'd/f'],
  ],
  ['nor for one outside its branch', [image([]), image(['d/'], ['/x'], 0), image(['d/f'], [], 0)], ['(d)', 'd/f']],
];

test('a whitelist filters its image and all below it on that branch', async (t) => {
  for (const [behaviour, places, paths] of CASES) {
    await t.test(behaviour, () => assert.deepEqual(planned(...places), paths));
  }
});

test('a directory that stays for what lies in it keeps its own metadata', () => {
  const { entries } = planAci([image(['d/', 'd/f'], ['/d/f'])]);
  assert.equal(entries.find(({ path }) => path === 'd')?.mode, 0o700);
});

test('the root keeps its metadata whatever is listed', () => {
  const root: TocEntry = { ...(toc('r/')[0] as TocEntry), path: '', mode: 0o711 };
  const { entries } = planAci([{ toc: [root], pathWhitelist: ['/nothing'], dependent: -1 }]);
  assert.deepEqual(
    entries.map(({ path, mode }) => [path, mode]),
    [['', 0o711]],
  );
});

test('a hard link without its target becomes the file', () => {
  const { entries } = planAci([image(['a', 'l -> a'], ['/l'])]);
  const link = entries[1];
  assert.equal(link?.path, 'l');
  assert.equal(link?.type, 'file');
  assert.equal(link?.key, 'a'.repeat(128));
  assert.equal(link?.group, '');
});

test('hard links that stay together share an inode named by the first, without the target too', () => {
  const { entries, files, bytes } = planAci([image(['z', 'b -> z', 'a -> z'], ['/a', '/b'])]);
  assert.deepEqual(
    entries.slice(1).map(({ path, group }) => [path, group]),
    [
      ['a', 'a'],
      ['b', 'a'],
    ],
  );
  assert.deepEqual([files, bytes], [2, 1]);
});

test('names from different places of one image do not share an inode', () => {
  const shared = toc('a', 'l -> a');
  const { entries } = planAci([
    { toc: [], pathWhitelist: [], dependent: -1 },
    { toc: [], pathWhitelist: ['/l'], dependent: 0 },
    { toc: shared, pathWhitelist: [], dependent: 1 },
    { toc: shared, pathWhitelist: [], dependent: 0 },
  ]);
  assert.deepEqual(
    entries.slice(1).map(({ path, layer, group }) => [path, layer, group]),
    [
      ['a', 3, ''],
      ['l', 2, ''],
    ],
  );
});

test('an image at a thousand places has its whitelist read once', () => {
  let reads = 0;
  const listed = new Proxy(['/a', '/d/f'], {
    get: (list, key, receiver) => {
      if (key === '0') reads++;
      return Reflect.get(list, key, receiver);
    },
  });
  const filtered = { toc: toc('a', 'b', 'd/', 'd/f'), pathWhitelist: listed, dependent: 0 };
  const places = Array.from({ length: 1000 }, () => filtered);
  assert.deepEqual(planned(image(['t']), ...places), ['a', 'd', 'd/f', 't']);
  assert.equal(reads, 1);
});

test('what one place of an image reaches does not keep a directory at another', () => {
  const list = ['/d/f'];
  const place = (entries: string[], dependent: number): AciNode => ({
    toc: toc(...entries),
    pathWhitelist: list,
    dependent,
  });
  assert.deepEqual(planned(image([]), place(['d/'], 0), image([], [], 0), place(['d/f'], 2)), ['(d)', 'd/f']);
});
