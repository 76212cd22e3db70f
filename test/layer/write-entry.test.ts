/** Headers of written archives: the same bytes as those of the most widespread package, and read back as they were. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { END_OF_ARCHIVE, entryHeader, paddingOf, type WrittenEntry } from '../../engine/layer/tar/write-entry.js';

const PLAIN: WrittenEntry = {
  name: 'f',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sec: 0,
  nsec: 0,
  size: 0,
  link: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

const TYPES = {
  file: 'file',
  hardlink: 'link',
  dir: 'directory',
  symlink: 'symlink',
  char: 'character-device',
  block: 'block-device',
  fifo: 'fifo',
} as const;

const ENTRIES: readonly Partial<WrittenEntry>[] = [
  {},
  { mode: 0o4755, uid: 1000, gid: 0o777777, sec: 1_700_000_000, size: 513 },
  { mode: 0, sec: 0x7fffffff },
  { name: 'd/', type: 'dir', mode: 0o1777 },
  { name: `${'d'.repeat(99)}/`, type: 'dir' },
  { name: 'n'.repeat(100) },
  { name: 'l', type: 'symlink', link: 'x'.repeat(100), mode: 0o777 },
  { name: 'h', type: 'hardlink', link: 'f' },
  { name: 'c', type: 'char', devMajor: 1, devMinor: 3 },
  { name: 'b', type: 'block', devMajor: 0o777777, devMinor: 0 },
  { name: 'p', type: 'fifo' },
];

for (const fields of ENTRIES) {
  test(`as tar-stream writes ${JSON.stringify(fields)}`, async () => {
    const entry = { ...PLAIN, ...fields };
    const archive = pack();
    const { name, type, mode, uid, gid, size, sec, link, devMajor, devMinor } = entry;
    const header = {
      name,
      type: TYPES[type],
      mode: mode | 0o100000,
      uid,
      gid,
      size,
      mtime: new Date(sec * 1000),
      devmajor: devMajor,
      devminor: devMinor,
      ...(link === '' ? {} : { linkname: link }),
    };
    const content = Buffer.alloc(size, 'x');
    if (size > 0) archive.entry(header, content);
    else (archive.entry(header) as NodeJS.WritableStream).end();
    archive.finalize();
    const wanted = await buffer(archive);
    const written = Buffer.concat([entryHeader(entry), content, paddingOf(size), END_OF_ARCHIVE]);
    assert.ok(written.equals(wanted), `${written.toString('latin1', 0, 512)}\n${wanted.toString('latin1', 0, 512)}`);
  });
}
