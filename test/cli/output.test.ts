/** Readers of standard output and error that leave, stall, or have no space left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aci } from '../fixtures/archive.js';
import { PROGRAM } from '../fixtures/cli.js';
import { madeOnce, TestStore } from '../fixtures/store.js';
import { objectsOf, overwriteObject, type StoredObject } from '../fixtures/stored-objects.js';

/** More bytes than a pipe holds. */
const LARGE = 4 << 20;

interface Ended {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

interface Streams {
  /** Redirects standard output or error, which otherwise go to a pipe that is read to its end. */
  stdout?: string;
  stderr?: string;
  /** Whether the reader leaves after the first bytes. */
  first?: boolean;
  env?: Readonly<Record<string, string>>;
}

/** Runs `cairn ARGS` with a shell's redirections, which can do more than Node's pipes. */
function redirected(s: TestStore, args: readonly string[], { stdout, stderr, first, env }: Streams): Promise<Ended> {
  const to = `${stdout === undefined ? '' : ` > ${stdout}`}${stderr === undefined ? '' : ` 2> ${stderr}`}`;
  const child = spawn('bash', ['-c', `"$@"${to}`, 'bash', process.execPath, PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CAIRN_STORE: s.store, ...env },
  });
  const out: Buffer[] = [];
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    if (first === true) child.stdout.destroy();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  return new Promise((resolve) =>
    child.on('exit', (code) => setTimeout(() => resolve({ code, stdout: Buffer.concat(out), stderr: told }), 50)),
  );
}

/** An image with one large file and many paths, and a large blob, whose key this tells. */
const filled = madeOnce(async (s) => {
  const paths = Array.from({ length: 3000 }, (_none, i) => ({
    name: `dir/${i}-${'x'.repeat(80)}`,
    flag: '2',
    link: 'y',
  }));
  const archive = aci({ name: 'example.com/app' }, [{ name: 'large', content: randomBytes(LARGE) }, ...paths]);
  await s.ok(['import', s.write('app.aci', archive)]);
  const { key } = await s.json<{ key: string }>(['put', s.write('blob', randomBytes(LARGE))]);
  return key;
});

/** One command for each way of writing to standard output. */
function writers(key: string): readonly (readonly string[])[] {
  return [
    ['ls', '--full'],
    ['files', 'example.com/app'],
    ['cat', 'example.com/app', 'large'],
    ['cat-manifest', 'example.com/app'],
    ['get', key],
    ['export', '--format', 'docker', 'example.com/app', '-'],
    ['export', '--format', 'tar', '--compress', 'gzip', 'example.com/app', '-'],
    ['--help'],
    ['--version'],
  ];
}

test('standard output that has no room is an error like any other', {
  skip: !fs.existsSync('/dev/full'),
}, async (t) => {
  const { s, made: key } = await filled(t);
  for (const args of writers(key)) {
    await t.test(args.join(' ').slice(0, 60), async () => {
      const ended = await redirected(s, args, { stdout: '/dev/full' });
      assert.match(ended.stderr, /^cairn: .*ENOSPC[^\n]*\n$/);
      assert.equal(ended.code, 1);
    });
  }
  await t.test('with a code', async () => {
    const { stderr } = await redirected(s, ['ls', '--json'], { stdout: '/dev/full' });
    assert.deepEqual((({ code, errno }) => [code, errno])(JSON.parse(stderr).error), ['ERR_NO_SPACE', 'ENOSPC']);
  });
});

test('a disk that takes only the first part of what is printed is full', async (t) => {
  const s = new TestStore(t);
  // A limit of file sizes, in KiB, stands in for a full disk.
  const limited = spawn(
    'bash',
    ['-c', 'trap "" XFSZ; ulimit -f 1; "$@" >"$0"', s.path('out'), process.execPath, PROGRAM, 'completion', 'bash'],
    {
      env: { ...process.env, CAIRN_STORE: s.store },
    },
  );
  const code = await new Promise((resolve) => limited.on('exit', resolve));
  assert.equal(code, 1);
});

test('a reader that has had enough ends the command quietly, and nothing is left', async (t) => {
  const { s, made: key } = await filled(t);
  const temporary = s.path('tmp');
  fs.mkdirSync(temporary);
  for (const args of writers(key)) {
    await t.test(args.join(' ').slice(0, 60), async () => {
      const ended = await redirected(s, ['--read-only', ...args], { first: true, env: { TMPDIR: temporary } });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      assert.deepEqual(fs.readdirSync(temporary), []);
    });
  }
  await t.test('with standard output closed from the first', async () => {
    const gone = await redirected(s, ['files', 'example.com/app'], { stdout: '>(exec true); sleep 0.2' });
    assert.deepEqual([gone.code, gone.stderr], [0, '']);
  });
});

test('the result of a command stays what it is when nobody reads it', async (t) => {
  const { s } = await filled(t);
  const object = objectsOf(s.store).find(({ size }) => size > 0) as StoredObject;
  overwriteObject(object, 'x');
  const { code } = await redirected(s, ['check'], { stdout: '>(exec true)' });
  assert.equal(code, 4);
});

test('a standard error that nobody reads, or that is full, keeps nothing from being done', async (t) => {
  const { s } = await filled(t);
  const store = { CAIRN_STORE: s.path('other') };
  for (const stderr of ['>(exec true)', '/dev/full']) {
    if (stderr === '/dev/full' && !fs.existsSync(stderr)) continue;
    await t.test(stderr, async () => {
      const missing = await redirected(s, ['inspect', 'example.com/none'], { stderr });
      assert.equal(missing.code, 3);
      const none = await redirected(s, ['ls', '--json'], { stderr, env: store });
      assert.deepEqual([none.code, `${none.stdout}`], [3, '']);
      // The notice that files are shared comes in the middle of the work.
      const dest = s.path(`linked-${stderr.length}`);
      const made = await redirected(s, ['checkout', '--mode', 'link', 'example.com/app', dest], { stderr });
      assert.deepEqual([made.code, `${made.stdout}`], [0, `${join(dest, 'rootfs')}\n`]);
      assert.deepEqual(
        fs.readdirSync(s.dir).filter((name) => name.startsWith('.')),
        [],
      );
    });
  }
});

test('a signal ends what writes to a reader that does not read', async (t) => {
  const { s, made: key } = await filled(t);
  const large = writers(key).filter(([verb]) => ['files', 'cat', 'get', 'export'].includes(verb as string));
  for (const args of large) {
    await t.test(args.join(' ').slice(0, 60), async () => {
      const child = spawn(process.execPath, [PROGRAM, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, CAIRN_STORE: s.store },
      });
      child.stderr.resume();
      // After one chunk the command is at work, and the pipe fills up again.
      await new Promise((resolve) => child.stdout.once('readable', resolve));
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(child.exitCode, null);
      child.kill('SIGTERM');
      const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
        child.on('exit', (...how) => resolve(how)),
      );
      child.stdout.destroy();
      assert.deepEqual([code, signal], [130, null]);
    });
  }
});
