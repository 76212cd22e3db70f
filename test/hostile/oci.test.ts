/**
 * Hostile names, links and whiteouts in the layers of OCI images, one alone or several together. Entries apply in order
 * there, and parents that are symlinks are resolved inside the root.
 */
import { type EntrySpec, gnuLong, tar } from '../fixtures/archive.js';
import { bad, badLink, hostile, limited, OCI, type Place } from '../fixtures/hostile.js';

const form = OCI;
/** Layers, bottom to top. */
const layers = (...each: EntrySpec[][]): Buffer[] => each.map((entries) => tar(entries));
const one = (...entries: EntrySpec[]): Buffer => tar(entries);
const long = (name: string | Buffer): Buffer =>
  Buffer.concat([gnuLong('L', name), tar([{ name: 'x', dialect: 'gnu' }])]);
const link = (name: string, target: string, more: Partial<EntrySpec> = {}): EntrySpec => ({
  name,
  flag: '2',
  link: target,
  ...more,
});
const hard = (name: string, target: string, more: Partial<EntrySpec> = {}): EntrySpec => ({
  name,
  flag: '1',
  link: target,
  ...more,
});

hostile(
  'paths that are refused',
  [
    ['"../x" leaves the root', one({ name: '../x' }), bad(/leaves the root/, '../x')],
    ['"a/../../x" leaves the root', one({ name: 'a/../../x' }), bad(/leaves the root/, 'a/../../x')],
    ['"/../x" leaves the root', one({ name: '/../x' }), bad(/leaves the root/, '/../x')],
    ['".." as a directory', one({ name: '..', flag: '5' }), bad(/leaves the root/, '..')],
    ['"./" as a file', one({ name: './', content: 'x' }), bad(/a dir with 1 bytes/, './')],
    ['"." as a file', one({ name: '.' }), bad(/only a directory/, '.')],
    ['"." as a symlink', one(link('.', '/etc')), bad(/only a directory/, '.')],
    ['"/" as a fifo', one({ name: '/', flag: '6' }), bad(/only a directory/, '/')],
    ['"a/.." as a hard link', one({ name: 'a' }, hard('a/..', 'a')), bad(/only a directory/, 'a/..')],
    ['an empty name', one({ name: '' }), bad(/needs a name/, '')],
    ['a NUL in a pax path', one({ name: 'x', pax: { path: 'a\0b' } }), bad(/NUL byte/)],
    ['a NUL in a GNU long name', long('a\0b'), bad(/NUL byte/, 'a')],
    ['a component of 256 bytes', long('n'.repeat(256)), bad(/longer than 255 bytes/)],
    ['a path of 4097 bytes', long(`${'d/'.repeat(2048)}e`), bad(/longer than 4096 bytes/)],
    ['a path of 257 components', long('d/'.repeat(257)), limited(/--max-depth/)],
    ['a whiteout of nothing', one({ name: 'a/.wh.' }), bad(/whiteout of nothing/, 'a/.wh.')],
    ['a whiteout of "."', one({ name: 'a/.wh..' }), bad(/whiteout of nothing/, 'a/.wh..')],
    ['a whiteout of ".."', one({ name: 'a/.wh...' }), bad(/whiteout of nothing/, 'a/.wh...')],
    ['a whiteout through ".." out of the root', one({ name: '../.wh.x' }), bad(/leaves the root/, '../.wh.x')],
    ['a file below a whiteout', one({ name: '.wh.a/b' }), bad(/below a whiteout/, '.wh.a/b')],
    [
      'a bad upper layer over a good one',
      layers([{ name: 'f', content: 'good alone' }], [{ name: '../x' }]),
      bad(/leaves the root/, '../x'),
    ],
  ],
  { form },
);

hostile(
  'paths that stay below the root',
  [
    ['"/abs"', one({ name: '/abs', content: '1' }), { tree: { abs: 'file 1' } }],
    ['"////abs"', one({ name: '////abs', content: '2' }), { tree: { abs: 'file 2' } }],
    ['".." that stays inside', one({ name: 'a/../b/./../c', content: '3' }), { tree: { c: 'file 3' } }],
    [
      'the path of a file around the store',
      ({ outside }) => one({ name: 'x', content: '4', pax: { path: `${outside}/secret` } }),
      { tree: ({ outside }) => parents(`${outside.slice(1)}/secret`, 'file 4') },
    ],
    [
      'names that are not UTF-8, byte for byte',
      one({ name: Buffer.from([0xff, 0xfe, 0x2f, 0xc3]), content: '5' }),
      { tree: { '\xff\xfe': 'dir', '\xff\xfe/\xc3': 'file 5' } },
    ],
    [
      'control characters',
      one({ name: '\x1b[31mred\n\r\x07', content: '6' }),
      { tree: { '\x1b[31mred\n\r\x07': 'file 6' } },
    ],
    ['a component of 255 bytes', long('n'.repeat(255)), { tree: { ['n'.repeat(255)]: 'file ' } }],
    [
      'of two files of one name the last',
      one({ name: 'a', content: '7' }, { name: './a', content: '8' }),
      { tree: { a: 'file 8' } },
    ],
    [
      'a directory in place of a file, for what lies below it',
      one({ name: 'a', content: '9' }, { name: 'a/b', content: '10' }),
      { tree: { a: 'dir', 'a/b': 'file 10' } },
    ],
    [
      'a fifo in place of a directory in use, with all below it',
      one({ name: 'a/b', content: '11' }, { name: 'a', flag: '6' }),
      { tree: { a: 'fifo' } },
    ],
    [
      'names that only begin as whiteouts do',
      one({ name: '.wh', content: '12' }, { name: 'a.wh.b' }),
      { tree: { '.wh': 'file 12', 'a.wh.b': 'file ' } },
    ],
    [
      'the names of an ACI and of the store itself',
      one({ name: 'manifest', content: '13' }, { name: 'rootfs/x' }, { name: 'index/data.mdb' }),
      { tree: { manifest: 'file 13', rootfs: 'dir', 'rootfs/x': 'file ', index: 'dir', 'index/data.mdb': 'file ' } },
    ],
  ],
  { form },
);

/** A tree of one leaf. */
function parents(path: string, leaf: string): Record<string, string> {
  const parts = path.split('/');
  return Object.fromEntries(
    parts.map((_part, i) => [parts.slice(0, i + 1).join('/'), i === parts.length - 1 ? leaf : 'dir']),
  );
}

hostile(
  'symlinks that are refused',
  [
    ['an empty target', one(link('s', '')), bad(/without a target/, 's')],
    [
      'a target of 4096 bytes',
      one(link('s', '', { pax: { linkpath: 't'.repeat(4096) } })),
      bad(/over 4095 bytes/, 's'),
    ],
    ['a NUL in a target', one(link('s', '', { pax: { linkpath: 'a\0b' } })), bad(/NUL byte/)],
    [
      'a file below a symlink to itself',
      layers([link('l', 'l')], [{ name: 'l/f' }]),
      bad(/more than 40 symlinks/, 'l/f'),
    ],
    [
      'a file below symlinks to each other',
      layers([link('a', 'b'), link('b', '/a')], [{ name: 'a/f' }]),
      bad(/more than 40 symlinks/, 'a/f'),
    ],
    [
      'a file below a loop of its own layer',
      one(link('l', './l/x'), { name: 'l/f', content: 'x' }),
      bad(/more than 40 symlinks/, 'l/f'),
    ],
    ['a whiteout below a loop', layers([link('l', 'l')], [{ name: 'l/.wh.f' }]), bad(/more than 40 symlinks/, 'l/f')],
    [
      'an opaque marker below a loop',
      layers([link('l', 'l')], [{ name: 'l/.wh..wh..opq' }]),
      bad(/more than 40 symlinks/, 'l'),
    ],
    ['a hard link to a file below a loop', one(link('l', 'l'), hard('h', 'l/f')), bad(/more than 40 symlinks/, 'h')],
    [
      'a chain of 41 symlinks',
      layers(
        Array.from({ length: 41 }, (_none, i) => link(`l${i}`, i === 40 ? '.' : `l${i + 1}`)),
        [{ name: 'l0/f' }],
      ),
      bad(/more than 40 symlinks/, 'l0/f'),
    ],
    [
      'symlinks to a place that no system call could name',
      one(
        ...Array.from({ length: 17 }, (_none, i) =>
          link(`l${i}`, '', { pax: { linkpath: `${i === 0 ? '' : `l${i - 1}/`}${'d'.repeat(250)}` } }),
        ),
        { name: 'l16/f' },
      ),
      bad(/too deep to name/, 'l16/f'),
    ],
  ],
  { form },
);

const BELOW = { d: 'dir', 'd/kept': 'file kept' };
const INSIDE = { ...BELOW, 'd/secret': 'file inside' };
const lower = (target: string): EntrySpec[] => [
  { name: 'd', flag: '5' },
  { name: 'd/kept', content: 'kept' },
  { name: 'd/secret', content: 'inside' },
  link('l', target),
];

hostile(
  'symlinks that lead nowhere but inside the root',
  [
    [
      'an absolute target, then a file below it',
      ({ outside }) => one(link('l', outside), { name: 'l/secret', content: 'evil' }),
      { tree: ({ outside }) => ({ l: `link ${outside}`, ...parents(`${outside.slice(1)}/secret`, 'file evil') }) },
    ],
    [
      'a target through "..", then a file below it',
      one(link('l', '../../../../outside'), { name: 'l/secret', content: 'evil' }),
      { tree: { l: 'link ../../../../outside', outside: 'dir', 'outside/secret': 'file evil' } },
    ],
    [
      'mode, owner, times and attributes of a link, never set on its target',
      ({ outside }) => {
        const pax = { 'SCHILY.xattr.user.x': 'y', 'SCHILY.xattr.trusted.x': 'y', mtime: '5.5' };
        return one(link('s', `${outside}/secret`, { mode: 0o4777, uid: 12, mtime: 5, pax }));
      },
      { tree: ({ outside }) => ({ s: `link ${outside}/secret` }) },
    ],
    [
      'a directory replaced by a symlink, then a file below',
      ({ outside }) => one({ name: 'd', flag: '5' }, link('d', outside), { name: 'd/secret', content: 'evil' }),
      { tree: ({ outside }) => ({ d: `link ${outside}`, ...parents(`${outside.slice(1)}/secret`, 'file evil') }) },
    ],
    [
      'a declared directory in place of a symlink, then a file below',
      layers(lower('/d'), [
        { name: 'l', flag: '5' },
        { name: 'l/f', content: 'own' },
      ]),
      { tree: { ...INSIDE, l: 'dir', 'l/f': 'file own' } },
    ],
    ['a loop that nothing passes', one(link('a', 'b'), link('b', 'a')), { tree: { a: 'link b', b: 'link a' } }],
    ['a whiteout below a symlink', layers(lower('d'), [{ name: 'l/.wh.secret' }]), { tree: { ...BELOW, l: 'link d' } }],
    [
      'a whiteout below an absolute symlink',
      layers(lower('/d'), [{ name: 'l/.wh.secret' }]),
      { tree: { ...BELOW, l: 'link /d' } },
    ],
    [
      'a whiteout below a symlink out of the root',
      layers(lower('../../../../d'), [{ name: 'l/.wh.secret' }]),
      { tree: { ...BELOW, l: 'link ../../../../d' } },
    ],
    [
      'an opaque marker below a symlink',
      layers(lower('/../d'), [{ name: 'l/.wh..wh..opq' }, { name: 'l/new', content: 'new' }]),
      { tree: { d: 'dir', 'd/new': 'file new', l: 'link /../d' } },
    ],
    [
      'whiteouts below a symlink to a directory around the store',
      ({ outside }) => layers(lower(outside), [{ name: 'l/.wh.secret' }, { name: 'l/.wh..wh..opq' }]),
      { tree: ({ outside }) => ({ ...INSIDE, l: `link ${outside}` }) },
    ],
    ['a whiteout of a symlink itself', layers(lower('d'), [{ name: '.wh.l' }]), { tree: INSIDE }],
    [
      'links planted in one layer and written through in the next two',
      layers(
        [link('a/b/up', '../../../..')],
        [link('a/b/up/x', '/../outside')],
        [{ name: 'a/b/up/x/secret', content: 'evil' }],
      ),
      {
        tree: {
          a: 'dir',
          'a/b': 'dir',
          'a/b/up': 'link ../../../..',
          x: 'link /../outside',
          outside: 'dir',
          'outside/secret': 'file evil',
        },
      },
    ],
    [
      'what aufs left behind',
      layers(lower('d'), [{ name: '.wh..wh.plnk', flag: '5' }, { name: '.wh..wh.aufs' }, { name: '.wh..wh.plnk/1.2' }]),
      { tree: { ...INSIDE, l: 'link d' } },
    ],
    [
      'a chain of 40 symlinks',
      layers(
        Array.from({ length: 40 }, (_none, i) => link(`l${i}`, i === 39 ? 'd' : `l${i + 1}`)),
        [{ name: 'l0/f', content: 'x' }],
      ),
      {
        tree: {
          ...Object.fromEntries(
            Array.from({ length: 40 }, (_none, i) => [`l${i}`, `link ${i === 39 ? 'd' : `l${i + 1}`}`]),
          ),
          d: 'dir',
          'd/f': 'file x',
        },
      },
    ],
  ],
  { form },
);

hostile(
  'hard links that are refused',
  [
    ['an absolute target', ({ outside }) => one(hard('h', `${outside}/secret`)), badLink(/not there/, 'h')],
    ['a target through ".."', one(hard('h', '../outside/secret')), bad(/through "\.\."/, 'h')],
    ['a target whose ".." stays inside', one({ name: 'd/a' }, hard('h', 'd/../d/a')), bad(/through "\.\."/, 'h')],
    [
      'a target in the header that a pax record replaces',
      one({ name: 'a' }, hard('h', 'a', { pax: { linkpath: '/etc/passwd' } })),
      badLink(/not there/, 'h'),
    ],
    [
      'a target through a symlink that leads outside',
      ({ outside }) => one(link('s', outside), hard('h', 's/secret')),
      badLink(/not there at that point/, 'h'),
    ],
    ['a directory', one({ name: 'd', flag: '5' }, hard('h', 'd')), bad(/to a directory/, 'h')],
    ['a directory of a lower layer', layers([{ name: 'd', flag: '5' }], [hard('h', 'd')]), bad(/to a directory/, 'h')],
    ['a directory that only its content declares', one({ name: 'd/a' }, hard('h', 'd')), bad(/to a directory/, 'h')],
    ['the root', one(hard('h', '.')), bad(/to a directory/, 'h')],
    ['itself, where nothing is', one(hard('h', 'h')), badLink(/not there/, 'h')],
    ['itself, where a directory is', one({ name: 'h', flag: '5' }, hard('h', './/h')), bad(/to a directory/, 'h')],
    ['itself, through a symlink', one(link('s', '.'), hard('h', 's/h')), badLink(/not there/, 'h')],
    ['nothing', one(hard('h', 'nothing')), badLink(/not there/, 'h')],
    ['a target that comes later', one(hard('h', 'a'), { name: 'a' }), badLink(/not there/, 'h')],
    ['a target that an upper layer brings', layers([hard('h', 'a')], [{ name: 'a' }]), badLink(/not there/, 'h')],
    ['a whiteout', layers([{ name: 'a' }], [{ name: '.wh.a' }, hard('h', '.wh.a')]), badLink(/not there/, 'h')],
    ['an empty target', one(hard('h', '')), bad(/without a target/, 'h')],
    ['a body', one({ name: 'a' }, hard('h', 'a', { content: 'evil' })), bad(/4 bytes of content/, 'h')],
  ],
  { form },
);

hostile(
  'hard links that are harmless',
  [
    [
      'a link, then a file of the same name, never written through the shared inode',
      one({ name: 'a', content: 'old' }, hard('h', 'a'), { name: 'h', content: 'new' }),
      { tree: { a: 'file old', h: 'file new' } },
    ],
    [
      'a link, then a file of the same name in the next layer',
      layers([{ name: 'a', content: 'old' }, hard('h', 'a')], [{ name: 'h', content: 'new' }]),
      { tree: { a: 'file old', h: 'file new' } },
    ],
    [
      'a link to a file, then a file in place of its target',
      one({ name: 'a', content: 'old' }, hard('h', 'a'), { name: 'a', content: 'new' }),
      { tree: { a: 'file new', h: 'file old' } },
    ],
    [
      'a target only in a lower layer',
      layers([{ name: 'a', content: 'x' }], [hard('h', 'a')]),
      { tree: { a: 'file x', h: 'file x' } },
    ],
    [
      'a target in a lower layer that a whiteout of the same layer takes away',
      layers([{ name: 'a', content: 'x' }], [{ name: '.wh.a' }, hard('h', 'a')]),
      { tree: { h: 'file x' } },
    ],
    [
      'a link to a symlink, which is not followed',
      ({ outside }: Place) => one(link('s', `${outside}/secret`), hard('h', 's', { mode: 0o777, mtime: 9 })),
      { tree: ({ outside }: Place) => ({ s: `link ${outside}/secret`, h: `link ${outside}/secret` }) },
    ],
    [
      'a target through a symlink that stays inside',
      layers(lower('/d'), [hard('h', 'l/secret')]),
      { tree: { ...INSIDE, l: 'link /d', h: 'file inside' } },
    ],
    [
      'a link to a fifo, then a file below the link',
      one({ name: 'f', flag: '6' }, hard('g', 'f'), { name: 'g/x', content: 'x' }),
      { tree: { f: 'fifo', g: 'dir', 'g/x': 'file x' } },
    ],
  ],
  { form },
);
