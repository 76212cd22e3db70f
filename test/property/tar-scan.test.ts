/** TarScanner against other readers: of any archive, all see the same entries. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { toBuffer } from '../../engine/core/bytes.js';
import type { EntryType } from '../../engine/core/metadata.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { cut, type Scanned, scan } from '../fixtures/scan.js';
import { archiveArbitrary, chunkLengths, type Meaning } from '../fixtures/tar-arbitrary.js';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An entry on one line, which is easy to compare and to read. */
function line(
  name: Buffer,
  { type, mode, uid, gid, link }: Pick<Scanned, 'type' | 'mode' | 'uid' | 'gid'> & { link: Buffer },
  ...more: readonly (string | number)[]
): string {
  return [name.toString('latin1'), type, mode.toString(8), uid, gid, link.toString('latin1'), ...more].join(' | ');
}

const fromScan = (each: Scanned): string =>
  line(
    toBuffer(each.name),
    { ...each, link: toBuffer(each.link) },
    each.mtime.sec,
    each.mtime.nsec,
    digest(each.content),
  );
const fromMeaning = (each: Meaning): string => line(each.name, each, each.sec, each.nsec, digest(each.content));

test('entries are what was written, byte by byte, however the archive is cut', () => {
  fc.assert(
    fc.property(archiveArbitrary({ raw: true, maxEntries: 6 }), chunkLengths, ({ bytes, entries }, lengths) => {
      const found = scan(cut(bytes, lengths));
      assert.deepEqual(found.entries.map(fromScan), entries.map(fromMeaning));
      assert.deepEqual(
        found.entries.map(({ devMajor, devMinor }) => [devMajor, devMinor]),
        entries.map(({ devMajor, devMinor }) => [devMajor, devMinor]),
      );
      assert.ok(found.bytes.equals(bytes), 'frames and contents do not give the archive back');
      assert.equal(found.ended, true);
    }),
    { numRuns: 3000 },
  );
});

const STREAM_TYPES: Readonly<Record<string, EntryType>> = {
  file: 'file',
  'contiguous-file': 'file',
  link: 'hardlink',
  symlink: 'symlink',
  'character-device': 'char',
  'block-device': 'block',
  directory: 'dir',
  fifo: 'fifo',
};

/**
 * The entries that tar-stream sees. It reads neither times nor owners from pax records, and takes an old-style
 * directory for a file.
 */
async function throughTarStream(bytes: Buffer): Promise<string[]> {
  const lines: string[] = [];
  const options: Parameters<typeof extract>[0] & { allowUnknownFormat: boolean } = { allowUnknownFormat: true };
  const reader = extract(options);
  Readable.from([bytes]).pipe(reader);
  for await (const entry of reader) {
    const { header } = entry;
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    const type = header.name.endsWith('/') ? 'dir' : (STREAM_TYPES[header.type ?? ''] as EntryType);
    const linked = type === 'symlink' || type === 'hardlink';
    const pax = (header.pax ?? {}) as Record<string, string>;
    lines.push(
      line(
        Buffer.from(header.name),
        {
          type,
          mode: header.mode as number,
          uid: Number(pax['uid'] ?? header.uid),
          gid: Number(pax['gid'] ?? header.gid),
          link: Buffer.from(linked ? (header.linkname as string) : ''),
        },
        (header.mtime as Date).getTime() / 1000,
        digest(Buffer.concat(parts)),
      ),
    );
  }
  return lines;
}

test('tar-stream sees the same entries', async () => {
  await fc.assert(
    fc.asyncProperty(archiveArbitrary({ raw: false, maxEntries: 4 }), chunkLengths, async ({ bytes }, lengths) => {
      const found = scan(cut(bytes, lengths)).entries.map((each) =>
        line(toBuffer(each.name), { ...each, link: toBuffer(each.link) }, each.mtime.sec, digest(each.content)),
      );
      assert.deepEqual(found, await throughTarStream(bytes));
    }),
    { numRuns: 2000 },
  );
});

const LETTERS: Readonly<Record<string, EntryType>> = {
  '-': 'file',
  C: 'file',
  h: 'hardlink',
  l: 'symlink',
  c: 'char',
  b: 'block',
  d: 'dir',
  p: 'fifo',
};

/** `rwsr-x--T` as a number. */
function modeOf(text: string): number {
  let mode = 0;
  [...text].forEach((letter, i) => {
    if (/[rwxst]/.test(letter)) mode |= 1 << (8 - i);
    if (/[sStT]/.test(letter)) mode |= 0o4000 >> Math.floor(i / 3);
  });
  return mode;
}

function unescaped(text: string): Buffer {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', a: '\x07', b: '\b', f: '\f', r: '\r', v: '\v' };
  const plain = text.replace(/\\([0-7]{3}|.)/g, (_all, what: string) =>
    what.length === 3 ? String.fromCharCode(Number.parseInt(what, 8)) : (letters[what] ?? what),
  );
  return Buffer.from(plain, 'latin1');
}

const LISTED =
  /^(?<kind>.)(?<mode>.{9}) (?<uid>\d+)\/(?<gid>\d+) +(?:(?<size>\d+)|(?<major>\d+),(?<minor>\d+)) (?<day>\S+) (?<time>[\d:]+)(?:\.(?<fraction>\d+))? +(?<name>.*?)(?:(?: -> | link to )(?<link>.*))?$/;

function listedLine(text: string): string {
  const groups = LISTED.exec(text)?.groups;
  assert.ok(groups, `not a line of tar's: ${text}`);
  const { kind, mode, uid, gid, size, major, minor, day, time, fraction, name, link } = groups;
  return line(
    unescaped(name as string),
    {
      type: LETTERS[kind as string] as EntryType,
      mode: modeOf(mode as string),
      uid: Number(uid),
      gid: Number(gid),
      link: unescaped(link ?? ''),
    },
    Date.parse(`${day}T${time}Z`) / 1000,
    Number((fraction ?? '').padEnd(9, '0')),
    size === undefined ? `${major}:${minor}` : size,
  );
}

function fromScanAsListed(each: Scanned): string {
  const device = each.type === 'char' || each.type === 'block';
  return line(
    toBuffer(each.name),
    { ...each, link: toBuffer(each.link) },
    each.mtime.sec,
    each.mtime.nsec,
    device ? `${each.devMajor}:${each.devMinor}` : each.size,
  );
}

const gnu = /GNU tar/.test(spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout ?? '');

test('GNU tar lists the same entries', { skip: gnu ? false : 'tar is not GNU tar here' }, (t) => {
  const file = join(temporaryDirectory(t), 'a.tar');
  const args = ['--list', '-v', '--numeric-owner', '--full-time', '--quoting-style=escape', '-P', '-f', file];
  fc.assert(
    fc.property(archiveArbitrary({ raw: true, maxEntries: 12 }), ({ bytes }) => {
      writeFileSync(file, bytes);
      const ran = spawnSync('tar', args, { env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } });
      assert.equal(ran.status, 0, `${ran.stderr}`);
      const listed = ran.stdout.toString('latin1').split('\n').filter(Boolean).map(listedLine);
      assert.deepEqual(scan([bytes]).entries.map(fromScanAsListed), listed);
    }),
    { numRuns: 400 },
  );
});
