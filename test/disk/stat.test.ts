/** The look at a file through a system call of our own, against Node's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromText } from '../../engine/core/bytes.js';
import { fileKinds, mknod, setTimes } from '../../engine/disk/native.js';
import { type FileStat, fileStat } from '../../engine/disk/stat.js';

const MODULE = fileURLToPath(new URL('../../engine/disk/stat.js', import.meta.url));
const IS_ROOT = process.getuid?.() === 0;

interface Sample {
  path: string;
  expected: Partial<FileStat>;
}

function samples(dir: string): Sample[] {
  const make = (name: string, how: (path: string) => void, expected: Partial<FileStat>): Sample => {
    const path = join(dir, name);
    how(path);
    return { path, expected };
  };
  const file = (path: string): void => fs.writeFileSync(path, 'twelve bytes');
  const fileThen =
    (change: (path: string) => void) =>
    (path: string): void => {
      file(path);
      change(path);
    };
  return [
    make('file', file, { type: 'file', size: 12, uid: process.getuid?.() as number }),
    make('früh', file, { type: 'file', size: 12 }),
    make(
      'mode',
      fileThen((path) => fs.chmodSync(path, 0o4751)),
      { type: 'file', mode: 0o4751 },
    ),
    make(
      'time',
      fileThen((path) => setTimes(path, 1_700_000_000, 123_456_789)),
      { sec: 1_700_000_000 },
    ),
    make(
      'before 1970',
      fileThen((path) => setTimes(path, -2, 5)),
      { sec: -2, nsec: 5 },
    ),
    make('dir', (path) => fs.mkdirSync(path), { type: 'dir' }),
    make('symlink', (path) => fs.symlinkSync('nowhere', path), { type: 'symlink', size: 7 }),
    make('fifo', (path) => mknod(path, fileKinds.fifo, 0o644, { devMajor: 0, devMinor: 0 }), { type: 'fifo' }),
    ...(IS_ROOT
      ? [
          make('char', (path) => mknod(path, fileKinds.char, 0o644, { devMajor: 1, devMinor: 3 }), {
            type: 'char',
            devMajor: 1,
            devMinor: 3,
          }),
          make('block', (path) => mknod(path, fileKinds.block, 0o644, { devMajor: 259, devMinor: 70_000 }), {
            devMajor: 259,
            devMinor: 70_000,
          }),
          make(
            'owner',
            fileThen((path) => fs.chownSync(path, 7, 70_000)),
            { uid: 7, gid: 70_000 },
          ),
        ]
      : []),
  ];
}

/** In a process of its own, as the calls are found once. */
function statsOf(paths: readonly string[], env: Readonly<Record<string, string>>): unknown {
  const program = `
    import { fileStat } from ${JSON.stringify(MODULE)};
    const stats = process.argv.slice(1).map((path) => fileStat(Buffer.from(path).toString('latin1')) ?? null);
    console.log(JSON.stringify(stats, (_key, value) => (typeof value === 'bigint' ? String(value) : value)));`;
  const args = ['--input-type=module', '-e', program, ...paths];
  return JSON.parse(execFileSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' }));
}

test('a file looks the same through the system call and through Node', async (t) => {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'cairn-stat-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const all = samples(dir);
  for (const { path, expected } of all) {
    await t.test(path.slice(dir.length + 1), () => {
      const found = fileStat(fromText(path)) as FileStat;
      assert.deepEqual({ ...found, ...expected }, found);
      assert.equal(found.ino, fs.lstatSync(path, { bigint: true }).ino);
    });
  }
  await t.test('with and without it', () => {
    const paths = [...all.map(({ path }) => path), join(dir, 'missing')];
    const found = statsOf(paths, {}) as unknown[];
    assert.deepEqual(found, statsOf(paths, { CAIRN_NO_FFI: '1' }));
    assert.equal(found.at(-1), null);
  });
  await t.test('where it cannot be had', () => {
    assert.throws(() => fileStat(fromText(join(dir, 'file', 'below'))), { code: 'ENOTDIR' });
    assert.throws(() => fileStat(`/${'a'.repeat(5000)}`), { code: 'ENAMETOOLONG' });
  });
});
