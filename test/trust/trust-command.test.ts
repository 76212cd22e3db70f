/** `cairn trust`, through the real program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as openpgp from 'openpgp';
import { NO_TERMINAL } from '../cli/terminal.js';
import { cairn, PROGRAM, type Ran, type RunOptions } from '../fixtures/cli.js';
import { makeKey, publicBytes, revoked } from '../fixtures/keys.js';
import { TestKeystore } from '../fixtures/keystore.js';

interface Shown {
  fingerprint: string;
  prefix: string | null;
  users: string[];
  file: string;
  masked: boolean;
  state?: string;
  maskedBy?: string;
  subkeys?: { fingerprint: string; signs: boolean }[];
  places?: { prefix: string | null; file: string; masked: boolean }[];
}

const [ALICE, BOB] = await Promise.all([
  makeKey({ name: 'Alice', subkeys: [{ sign: true }, { sign: true }, {}] }),
  makeKey({ name: 'Bob' }),
]);
const [alice, bob] = [ALICE.getFingerprint(), BOB.getFingerprint()];
const USER = 'Alice <alice@example.com>';

class Trust {
  readonly keystore: TestKeystore;
  readonly file: string;

  constructor(t: TestContext) {
    this.keystore = new TestKeystore(t);
    this.file = this.keystore.write(join(this.keystore.local, '../alice.asc'), publicBytes(ALICE, true));
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return cairn(['trust', ...args], { ...options, env: this.keystore.env });
  }

  async json(args: readonly string[], options: RunOptions = {}): Promise<Shown[]> {
    const ran = await this.run([...args, '--json'], options);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.json<Shown[]>();
  }

  async refused(args: readonly string[], code: string, exit = 1, options: RunOptions = {}): Promise<string> {
    const ran = await this.run([...args, '--json'], options);
    assert.equal(ran.error().code, code, ran.stderr);
    assert.equal(ran.code, exit);
    return ran.error().message;
  }
}

test('a key is reviewed, added, listed and removed', async (t) => {
  const s = new Trust(t);
  assert.deepEqual(await s.json(['ls']), []);
  const [reviewed] = await s.json(['review', s.file]);
  assert.deepEqual(
    [reviewed?.fingerprint, reviewed?.prefix, reviewed?.users, reviewed?.file, reviewed?.masked, reviewed?.places],
    [alice, null, [USER], s.file, false, []],
  );
  assert.deepEqual(
    reviewed?.subkeys?.map(({ signs }) => signs),
    [true, true, false],
  );
  assert.deepEqual(await s.json(['ls']), [], 'a review trusts nobody');

  const file = join(s.keystore.local, 'prefix.d/example.com/app', alice);
  const [added, ...more] = await s.json(['add', '--prefix', 'example.com/app', '--yes', s.file]);
  assert.deepEqual(more, []);
  const expected = { fingerprint: alice, prefix: 'example.com/app', users: [USER], file, masked: false, state: 'good' };
  assert.deepEqual({ ...added, ...expected }, added);
  assert.deepEqual(await s.json(['ls']), [added]);
  const [known] = await s.json(['review', s.file]);
  assert.deepEqual(known?.places, [{ prefix: 'example.com/app', file, masked: false }]);
  assert.equal(known?.prefix, 'example.com/app');

  const [removed] = await s.json(['rm', alice.toUpperCase().replace(/.{4}(?=.)/g, '$& ')]);
  assert.deepEqual(removed, { fingerprint: alice, prefix: 'example.com/app', users: [USER], file, masked: false });
  assert.equal(fs.existsSync(file), false);
  await s.refused(['rm', alice], 'ERR_NOT_FOUND', 3);
});

test('a key of the system is masked, which ls, review and rm tell', async (t) => {
  const s = new Trust(t);
  const system = s.keystore.put(s.keystore.system, ALICE);
  const mask = join(s.keystore.local, 'root.d', alice);
  const [removed] = await s.json(['rm', '--root', alice]);
  assert.deepEqual([removed?.file, removed?.masked], [mask, true]);
  assert.equal(fs.statSync(mask).size, 0);
  const [listed] = await s.json(['ls']);
  assert.deepEqual([listed?.file, listed?.masked, listed?.maskedBy, listed?.users], [system, true, mask, [USER]]);
  const [reviewed] = await s.json(['review', s.file]);
  assert.deepEqual([reviewed?.masked, reviewed?.places], [true, [{ prefix: null, file: mask, masked: true }]]);
  assert.match(await s.refused(['rm', alice], 'ERR_NOT_FOUND', 3), new RegExp(`${mask} masks it already`));
  assert.match(
    (await s.run(['ls'])).stdout.toString(),
    /^FINGERPRINT +PREFIX +STATE.*\n[0-9a-f]{40} +\(all\) +masked /,
  );
  await s.json(['add', '--root', '--yes', s.file]);
  assert.deepEqual(
    (await s.json(['ls'])).map(({ masked }) => masked),
    [false],
  );
});

test('people see fingerprints in groups, names, dates and subkeys', async (t) => {
  const s = new Trust(t);
  s.keystore.put(s.keystore.local, ALICE, 'example.com');
  const text = (await s.run(['review', s.file])).stdout.toString();
  assert.match(text, new RegExp(`^fingerprint +${alice.replace(/.{4}(?=.)/g, '$& ')}\n`));
  assert.match(text, /^user +Alice <alice@example\.com>$/m);
  assert.match(text, /^key +EdDSA ed25519, created \d{4}-\d\d-\d\d, does not expire$/m);
  assert.equal(text.match(/^subkey +[0-9a-f]{40} .*, signs$/gm)?.length, 2);
  assert.match(text, /^trusted +for images below example\.com, by \//m);
  const dead = s.keystore.write(join(s.keystore.local, '../dead.asc'), publicBytes(await revoked(BOB)));
  assert.match((await s.run(['review', dead])).stdout.toString(), /does not expire, REVOKED$/m);
});

test('a name that would paint the terminal is shown as text', async (t) => {
  const s = new Trust(t);
  const { privateKey } = await openpgp.generateKey({
    userIDs: { name: 'Eve\u001b[2J\nuser  Alice' },
    format: 'object',
  });
  const file = s.keystore.write(join(s.keystore.local, '../eve.asc'), publicBytes(privateKey));
  const text = (await s.run(['review', file])).stdout.toString();
  assert.ok(!text.includes('\u001b'), text);
  assert.doesNotMatch(text, /^user +Alice/m);
});

test('several keys come from several files, a keyring, standard input', async (t) => {
  const s = new Trust(t);
  const ring = s.keystore.write(
    join(s.keystore.local, '../ring.gpg'),
    Buffer.concat([publicBytes(ALICE), publicBytes(BOB)]),
  );
  const added = await s.json(['add', '--root', '--yes', ring]);
  assert.deepEqual(
    added.map(({ fingerprint }) => fingerprint),
    [alice, bob],
  );
  const input = Buffer.from(`${publicBytes(BOB, true)}\n${publicBytes(ALICE, true)}`);
  assert.equal((await s.json(['add', '--prefix', 'example.com', '--yes', '-'], { input })).length, 2);
  const places = (await s.json(['ls'])).map(({ prefix, fingerprint }) => `${prefix} ${fingerprint}`);
  assert.deepEqual(
    places,
    [null, 'example.com'].flatMap((prefix) => [alice, bob].sort().map((key) => `${prefix} ${key}`)),
  );
  assert.equal((await s.json(['rm', '--prefix', 'example.com', bob])).length, 1);
  assert.equal((await s.json(['rm', alice])).length, 2, 'wherever it is trusted');
  assert.deepEqual(
    (await s.json(['ls'])).map(({ fingerprint }) => fingerprint),
    [bob],
  );
});

test('a key comes from a server, by https or from this machine', async (t) => {
  const s = new Trust(t);
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/key') === true) response.end(publicBytes(ALICE, true));
    else if (request.url === '/page') response.end('<html>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/key?token=secret`;
  const [added] = await s.json(['add', '--root', '--yes', url]);
  assert.equal(added?.fingerprint, alice);
  const [reviewed] = await s.json(['review', url]);
  assert.equal(reviewed?.file, `http://127.0.0.1:${port}/key`, 'what may be secret is not shown');
  await s.refused(['review', `http://127.0.0.1:${port}/none`], 'ERR_NOT_FOUND', 3);
  await s.refused(['review', `http://127.0.0.1:${port}/page`], 'ERR_CONFIG');
  const plain = await s.refused(['review', 'http://me:secret@example.com/key.asc'], 'ERR_TLS');
  assert.match(plain, /^http:\/\/example\.com\/key\.asc: .*plain HTTP/);
  await s.refused(['review', 'https://'], 'ERR_USAGE', 2);
});

test('what is refused changes nothing', async (t) => {
  const s = new Trust(t);
  const text = s.keystore.write(join(s.keystore.local, '../text'), 'no key');
  const many = Buffer.alloc((2 << 20) + 1);
  const add = ['add', '--root', '--yes'];
  await s.refused(['add', s.file], 'ERR_USAGE', 2);
  await s.refused(['add', '--root', '--prefix', 'example.com', s.file], 'ERR_USAGE', 2);
  await s.refused(['add', '--root', s.file], 'ERR_USAGE', 2);
  await s.refused([...add, `${s.file}.gone`], 'ERR_NOT_FOUND', 3);
  await s.refused([...add, '/'], 'ERR_IO');
  await s.refused([...add, s.file, text], 'ERR_CONFIG');
  await s.refused([...add, '-'], 'ERR_LIMIT', 1, { input: many });
  await s.refused([...add, '-'], 'ERR_CONFIG', 1, { input: Buffer.alloc(0) });
  assert.equal(fs.existsSync(s.keystore.local), false);
});

test('a keystore that is not as it must be is named', async (t) => {
  const s = new Trust(t);
  const file = s.keystore.write(join(s.keystore.local, 'root.d', bob), publicBytes(ALICE));
  assert.match(await s.refused(['ls'], 'ERR_CONFIG'), new RegExp(`${file} holds the key ${alice}`));
});

/** Types an answer once there is a question. */
const TYPIST = `
import os, pty, sys
child, terminal = pty.fork()
if child == 0: os.execv(sys.argv[2], sys.argv[2:])
screen, answer = b'', sys.argv[1].encode()
while True:
    try: got = os.read(terminal, 65536)
    except OSError: break
    if not got: break
    screen += got
    if answer and b'[yes/no]' in screen:
        os.write(terminal, answer)
        answer = b''
os.write(1, screen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

/** Runs the program on a terminal, on which somebody types. */
function typing(s: Trust, args: readonly string[], answer: string): { status: number | null; screen: string } {
  const command = ['-c', TYPIST, answer, process.execPath, PROGRAM, 'trust', ...args];
  const env = { ...process.env, ...s.keystore.env };
  const { status, stdout } = spawnSync('python3', command, { env, timeout: 20_000 });
  return { status, screen: stdout.toString() };
}

test('on a terminal the key is shown, and trusted after a yes only', { skip: NO_TERMINAL }, async (t) => {
  const s = new Trust(t);
  for (const answer of ['yesterday\n', '\u0003']) {
    const { status, screen } = typing(s, ['add', '--root', s.file], answer);
    assert.equal(status, 130, JSON.stringify([answer, screen]));
    assert.match(screen, /nothing was changed/);
  }
  assert.deepEqual(await s.json(['ls']), []);
  const { status, screen } = typing(s, ['add', '--prefix', 'example.com', s.file], 'yes\n');
  assert.equal(status, 0, screen);
  assert.match(screen, new RegExp(alice.replace(/.{4}(?=.)/g, '$& ')));
  assert.match(screen, /Trust this key for images below example\.com\? \[yes\/no\]/);
  assert.equal((await s.json(['ls'])).length, 1);
});

test('completion offers the fingerprints of trusted keys', async (t) => {
  const s = new Trust(t);
  s.keystore.put(s.keystore.local, ALICE, 'example.com');
  const { keystore } = s;
  const script = (await cairn(['completion', 'bash'])).stdout.toString();
  const asked = spawnSync(
    'bash',
    [
      '-c',
      `${script}\nCOMP_WORDS=(cairn trust rm ${alice.slice(0, 3)}); COMP_CWORD=3; cairn() { "${process.execPath}" "${PROGRAM}" "$@"; }; _cairn; echo "\${COMPREPLY[@]}"`,
    ],
    { env: { ...process.env, ...keystore.env } },
  );
  assert.match(asked.stdout.toString(), new RegExp(alice), asked.stderr.toString());
});
