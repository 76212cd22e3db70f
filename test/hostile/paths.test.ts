/** Hostile names and symlinks of ACIs: refused, or landed below the root. */
import { gnuLong, tar } from '../fixtures/archive.js';
import { bad, below, hostile, limited, raw } from '../fixtures/hostile.js';

const withLongName = (name: string | Buffer): Buffer =>
  Buffer.concat([raw().subarray(0, -1024), gnuLong('L', name), tar([{ name: 'x', dialect: 'gnu' }])]);

hostile('paths that are refused', [
  ['"../x" leaves the root', raw({ name: '../x' }), bad(/leaves the root/, '../x')],
  ['"rootfs/../../x" leaves the root', below({ name: '../../x' }), bad(/leaves the root/, 'rootfs/../../x')],
  ['"a/../../x" leaves the root', raw({ name: 'a/../../x' }), bad(/leaves the root/, 'a/../../x')],
  ['"/../x" leaves the root', raw({ name: '/../x' }), bad(/leaves the root/, '/../x')],
  ['".." as a directory', raw({ name: '..', flag: '5' }), bad(/leaves the root/, '..')],
  [
    '"rootfs/../x" lands beside the root file system',
    below({ name: '../x' }),
    bad(/at the top of an ACI/, 'rootfs/../x'),
  ],
  ['"/abs" lands beside the root file system', raw({ name: '/abs' }), bad(/at the top of an ACI/, '/abs')],
  ['"////abs" lands beside the root file system', raw({ name: '////abs' }), bad(/at the top of an ACI/, '////abs')],
  [
    '"rootfs2/x" only looks like the root file system',
    raw({ name: 'rootfs2/x' }),
    bad(/at the top of an ACI/, 'rootfs2/x'),
  ],
  ['the root as a file', raw({ name: 'rootfs' }), bad(/only a directory/, 'rootfs')],
  ['the root as a fifo', raw({ name: 'rootfs', flag: '6' }), bad(/only a directory/, 'rootfs')],
  ['"." as a file', raw({ name: '.' }), bad(/only a directory/, '.')],
  ['"./" as a symlink', raw({ name: './', flag: '2', link: '/' }), bad(/only a directory/, './')],
  ['"/" as a symlink', raw({ name: '/', flag: '2', link: '/' }), bad(/only a directory/, '/')],
  [
    '"rootfs/a/.." as a hard link',
    below({ name: 'a' }, { name: 'a/..', flag: '1', link: 'a' }),
    bad(/only a directory/, 'rootfs/a/..'),
  ],
  ['an empty name', raw({ name: '' }), bad(/needs a name/, '')],
  ['a NUL in a pax path', raw({ name: 'x', pax: { path: 'rootfs/a\0b' } }), bad(/NUL byte/)],
  ['a NUL in a GNU long name', withLongName('rootfs/a\0b'), bad(/NUL byte/, 'rootfs/a')],
  ['a component of 256 bytes', withLongName(`rootfs/${'n'.repeat(256)}`), bad(/longer than 255 bytes/)],
  ['a path of 4097 bytes', withLongName(`rootfs/${'d/'.repeat(2045)}`), bad(/longer than 4096 bytes/)],
  ['a path of 257 components', withLongName(`rootfs/${'d/'.repeat(256)}`), limited(/--max-depth/)],
  ['two files of one name', below({ name: 'a' }, { name: 'a' }), bad(/duplicate/, 'rootfs/a')],
  [
    'two spellings of one name',
    below({ name: 'a/b' }, { name: './a//c/../b' }),
    bad(/duplicate/, 'rootfs/./a//c/../b'),
  ],
  [
    'a file in place of a directory that is in use',
    below({ name: 'a/b' }, { name: 'a' }),
    bad(/lies below it/, 'rootfs/a'),
  ],
  [
    'a symlink in place of a directory that is in use',
    below({ name: 'a/b' }, { name: 'a', flag: '2', link: '/' }),
    bad(/lies below it/, 'rootfs/a'),
  ],
  ['a file below a file', below({ name: 'a' }, { name: 'a/b' }), bad(/its parent a is a file/, 'rootfs/a/b')],
  [
    'a file below a fifo',
    below({ name: 'a', flag: '6' }, { name: 'a/b/c' }),
    bad(/its parent a is a fifo/, 'rootfs/a/b/c'),
  ],
  [
    'a file below a hard link',
    below({ name: 'a' }, { name: 'b', flag: '1', link: 'a' }, { name: 'b/c' }),
    bad(/its parent b is a hardlink/, 'rootfs/b/c'),
  ],
  ['a second manifest', raw({ name: './manifest' }), bad(/second manifest/, './manifest')],
  [
    'a manifest that is a symlink',
    tar([{ name: 'manifest', flag: '2', link: '/etc/passwd' }]),
    bad(/regular file/, 'manifest'),
  ],
  ['no manifest', tar([{ name: 'rootfs', flag: '5' }]), bad(/no manifest/, 'manifest')],
]);

hostile('paths that stay below the root', [
  ['"/rootfs/x"', raw({ name: '/rootfs/x', content: '1' }), { tree: { x: 'file 1' } }],
  ['"////rootfs/x"', raw({ name: '////rootfs/x', content: '2' }), { tree: { x: 'file 2' } }],
  [
    '"rootfs//etc/passwd", absolute from the root on',
    below({ name: '/etc/passwd', content: '3' }),
    { tree: { etc: 'dir', 'etc/passwd': 'file 3' } },
  ],
  ['".." that stays inside', below({ name: 'a/../b/./../c', content: '4' }), { tree: { c: 'file 4' } }],
  ['"rootfs/../rootfs/x"', below({ name: '../rootfs/x', content: '5' }), { tree: { x: 'file 5' } }],
  [
    'names that are not UTF-8, byte for byte',
    below({ name: Buffer.from([0xff, 0xfe, 0x2f, 0xc3]), content: '6' }),
    { tree: { '\xff\xfe': 'dir', '\xff\xfe/\xc3': 'file 6' } },
  ],
  [
    'control characters and escape sequences',
    below({ name: '\x1b[31mred\n\r\x07', content: '7' }),
    { tree: { '\x1b[31mred\n\r\x07': 'file 7' } },
  ],
  [
    'names that a shell or an option parser would read',
    below({ name: '-rf *; $(id)`id`', content: '8' }),
    { tree: { '-rf *; $(id)`id`': 'file 8' } },
  ],
  [
    'the names of whiteouts, ordinary files in an ACI',
    below({ name: '.wh.a', content: '9' }, { name: '.wh..wh..opq' }),
    { tree: { '.wh.a': 'file 9', '.wh..wh..opq': 'file ' } },
  ],
  ['a component of 255 bytes', withLongName(`rootfs/${'n'.repeat(255)}`), { tree: { ['n'.repeat(255)]: 'file ' } }],
  [
    'the names of the store itself',
    below({ name: 'index/data.mdb', content: '10' }, { name: 'cairn.json' }),
    { tree: { index: 'dir', 'index/data.mdb': 'file 10', 'cairn.json': 'file ' } },
  ],
]);

hostile('symlinks that are refused', [
  ['an empty target', below({ name: 'l', flag: '2' }), bad(/without a target/, 'rootfs/l')],
  [
    'a target of 4096 bytes',
    below({ name: 'l', flag: '2', pax: { linkpath: 't'.repeat(4096) } }),
    bad(/over 4095 bytes/, 'rootfs/l'),
  ],
  ['a NUL in a target', below({ name: 'l', flag: '2', pax: { linkpath: 'a\0b' } }), bad(/NUL byte/)],
  ['the root as a symlink', raw({ name: 'rootfs', flag: '2', link: '/' }), bad(/only a directory/, 'rootfs')],
  [
    'a directory replaced by a symlink, then a file below',
    ({ outside }) =>
      below({ name: 'd', flag: '5' }, { name: 'd', flag: '2', link: outside }, { name: 'd/secret', content: 'x' }),
    bad(/duplicate/, 'rootfs/d'),
  ],
]);

hostile('symlinks that lead nowhere', [
  [
    'an absolute target, then a file below it: the link becomes a directory',
    ({ outside }) => below({ name: 'l', flag: '2', link: outside }, { name: 'l/secret', content: 'mine' }),
    { tree: { l: 'dir', 'l/secret': 'file mine' } },
  ],
  [
    'a target through "..", then a directory, a fifo and a link below it',
    below(
      { name: 'l', flag: '2', link: '../../../../outside' },
      { name: 'l/d', flag: '5', mode: 0o777 },
      { name: 'l/f', flag: '6' },
      { name: 'l/secret', flag: '2', link: 'x' },
    ),
    { tree: { l: 'dir', 'l/d': 'dir', 'l/f': 'fifo', 'l/secret': 'link x' } },
  ],
  [
    'a chain a/b/up → ../.., climbed from below',
    below(
      { name: 'a/b/up', flag: '2', link: '../..' },
      { name: 'a/b/up/up', flag: '2', link: '../..' },
      { name: 'a/b/up/up/secret', content: 'y' },
    ),
    { tree: { a: 'dir', 'a/b': 'dir', 'a/b/up': 'dir', 'a/b/up/up': 'dir', 'a/b/up/up/secret': 'file y' } },
  ],
  [
    'a loop, and a file below it',
    below({ name: 'a', flag: '2', link: 'b' }, { name: 'b', flag: '2', link: 'a' }, { name: 'a/x', content: 'z' }),
    { tree: { a: 'dir', 'a/x': 'file z', b: 'link a' } },
  ],
  ['a link to itself', below({ name: 's', flag: '2', link: 's' }), { tree: { s: 'link s' } }],
  [
    'mode, owner, times and attributes of a link, never set on its target',
    ({ outside }) =>
      below({
        name: 's',
        flag: '2',
        link: `${outside}/secret`,
        mode: 0o4777,
        uid: 12,
        mtime: 5,
        pax: { 'SCHILY.xattr.user.x': 'y', 'SCHILY.xattr.trusted.x': 'y', mtime: '5.5' },
      }),
    { tree: ({ outside }) => ({ s: `link ${outside}/secret` }) },
  ],
  [
    'a target of 4095 bytes',
    below({ name: 't', flag: '2', pax: { linkpath: 't'.repeat(4095) } }),
    { tree: { t: `link ${'t'.repeat(4095)}` } },
  ],
  [
    'a target with escape sequences',
    below({ name: 't', flag: '2', link: '\x1b[2J\xff' }),
    { tree: { t: 'link \x1b[2J\xc3\xbf' } },
  ],
]);
