/** Hostile hard links of ACIs, which may lead to earlier entries only. `oci.test.ts` has those of OCI layers. */
import { bad, badLink, below, hostile, raw } from '../fixtures/hostile.js';

hostile('hard links that are refused', [
  [
    'an absolute target',
    ({ outside }) => raw({ name: 'rootfs/l', flag: '1', link: `${outside}/secret` }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target through ".."',
    below({ name: 'l', flag: '1', link: '../../outside/secret' }),
    bad(/through "\.\."/, 'rootfs/l'),
  ],
  [
    'a target whose ".." stays inside',
    below({ name: 'd/a' }, { name: 'l', flag: '1', link: 'd/../d/a' }),
    bad(/through "\.\."/, 'rootfs/l'),
  ],
  [
    'a target in the header that a pax record replaces',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a', pax: { linkpath: '/etc/passwd' } }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target through a symlink that leads outside',
    ({ outside }) => below({ name: 's', flag: '2', link: outside }, { name: 'l', flag: '1', link: 's/secret' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target through a symlink that stays inside',
    below({ name: 'd/a' }, { name: 's', flag: '2', link: 'd' }, { name: 'l', flag: '1', link: 's/a' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a directory',
    below({ name: 'd', flag: '5' }, { name: 'l', flag: '1', link: 'd' }),
    bad(/to a directory/, 'rootfs/l'),
  ],
  [
    'a directory that only its content declares',
    below({ name: 'd/a' }, { name: 'l', flag: '1', link: 'd' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'the root',
    raw({ name: 'rootfs', flag: '5' }, { name: 'rootfs/l', flag: '1', link: 'rootfs' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  ['the manifest', raw({ name: 'rootfs/l', flag: '1', link: 'manifest' }), badLink(/no earlier entry/, 'rootfs/l')],
  ['itself', below({ name: 'l', flag: '1', link: 'l' }), bad(/to itself/, 'rootfs/l')],
  ['itself, spelled otherwise', below({ name: 'l', flag: '1', link: './/l' }), bad(/to itself/, 'rootfs/l')],
  [
    'a target that comes later',
    below({ name: 'l', flag: '1', link: 'a' }, { name: 'a' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  [
    'a target that is only in another layer',
    below({ name: 'l', flag: '1', link: 'bin/sh' }),
    badLink(/no earlier entry/, 'rootfs/l'),
  ],
  ['no target', below({ name: 'l', flag: '1', link: '' }, { name: 'a' }), badLink(/no earlier entry/, 'rootfs/l')],
  ['an empty target', raw({ name: 'rootfs/l', flag: '1' }), bad(/without a target/, 'rootfs/l')],
  [
    'a body',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a', content: 'evil' }),
    bad(/4 bytes of content/, 'rootfs/l'),
  ],
  [
    'a regular file of the same name after it',
    below({ name: 'a' }, { name: 'l', flag: '1', link: 'a' }, { name: 'l', content: 'evil' }),
    bad(/duplicate/, 'rootfs/l'),
  ],
]);

hostile('hard links that are harmless', [
  [
    'an absolute target below the root',
    raw({ name: 'rootfs/a', content: 'x' }, { name: 'rootfs/l', flag: '1', link: '//rootfs/a' }),
    { tree: { a: 'file x', l: 'file x' } },
  ],
  [
    'a link to a symlink, which is not followed',
    ({ outside }) =>
      below(
        { name: 's', flag: '2', link: `${outside}/secret` },
        { name: 'l', flag: '1', link: 's', mode: 0o777, mtime: 9 },
      ),
    { tree: ({ outside }) => ({ s: `link ${outside}/secret`, l: `link ${outside}/secret` }) },
  ],
  [
    'a link to a link to a file',
    below({ name: 'a', content: 'x' }, { name: 'b', flag: '1', link: 'a' }, { name: 'c', flag: '1', link: './b' }),
    { tree: { a: 'file x', b: 'file x', c: 'file x' } },
  ],
  [
    'a link to a fifo',
    below({ name: 'f', flag: '6' }, { name: 'g', flag: '1', link: 'f' }),
    { tree: { f: 'fifo', g: 'fifo' } },
  ],
]);
