/** Keystores: which keys count for which images, what masks them, and what a directory must not hold. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type * as openpgp from 'openpgp';
import { addKey, removeKey } from '../../engine/trust/change-keys.js';
import { trustDirectories } from '../../engine/trust/directories.js';
import { cleanFingerprint, keyFile } from '../../engine/trust/keystore.js';
import { listKeys } from '../../engine/trust/list-keys.js';
import { checkPrefix, prefixesOf } from '../../engine/trust/prefix.js';
import { trustedKeys } from '../../engine/trust/trusted-keys.js';
import { makeKey, publicBytes, revoked } from '../fixtures/keys.js';
import { TestKeystore } from '../fixtures/keystore.js';

async function namesFor(s: TestKeystore, name?: string): Promise<string[]> {
  const { keys } = await trustedKeys(s.dirs, name);
  return keys.map(({ key }) => key.getFingerprint()).sort();
}

const [ALICE, BOB, CAROL] = (await Promise.all([
  makeKey({ name: 'Alice' }),
  makeKey({ name: 'Bob' }),
  makeKey({ name: 'Carol' }),
])) as [openpgp.PrivateKey, openpgp.PrivateKey, openpgp.PrivateKey];
const fingerprint = (key: openpgp.Key): string => key.getFingerprint();

test('directories: those of the system, the administrator and the user, or those of the environment', () => {
  const home = { XDG_CONFIG_HOME: '/home/me/config' };
  assert.deepEqual(trustDirectories(home, true), ['/usr/lib/cairn/trustedkeys', '/etc/cairn/trustedkeys']);
  assert.deepEqual(trustDirectories(home, false).slice(1), [
    '/etc/cairn/trustedkeys',
    '/home/me/config/cairn/trustedkeys',
  ]);
  assert.match(trustDirectories({}, false)[2] ?? '', /\/\.config\/cairn\/trustedkeys$/);
  assert.deepEqual(trustDirectories({ CAIRN_TRUST_DIRS: '/a::b' }, true), ['/a', 'b']);
});

test('prefixes of a name are those of whole components, and never lead out of the directory', () => {
  for (const [name, prefixes] of [
    ['example.com', ['example.com']],
    ['example.com/app/sub', ['example.com', 'example.com/app', 'example.com/app/sub']],
    ['example.com/../../etc', ['example.com']],
    ['../etc', []],
    ['/etc', []],
    ['a//b', ['a']],
    ['a/./b', ['a']],
    ['localhost:5000/app', []],
    ['example.com/App', ['example.com']],
    [`a/${'b'.repeat(256)}`, ['a']],
    ['a/b\0c', ['a']],
    ['', []],
  ] as const) {
    assert.deepEqual(prefixesOf(name), prefixes, name);
  }
  assert.equal(checkPrefix('example.com/app'), 'example.com/app');
  for (const bad of [
    '',
    '/a',
    'a/',
    '../a',
    'a/../b',
    'a//b',
    'a/./b',
    'A',
    'https://a',
    `a/${'b'.repeat(256)}`,
    'a b',
  ])
    assert.throws(() => checkPrefix(bad), { code: 'ERR_NAME_SYNTAX' }, bad);
});

test('a fingerprint is read as people write it', () => {
  const digits = 'AB12'.repeat(10);
  for (const text of [digits, `0x${digits}`, digits.replace(/.{4}/g, '$& '), digits.toLowerCase()])
    assert.equal(cleanFingerprint(text), digits.toLowerCase());
  assert.equal(cleanFingerprint('f'.repeat(64)), 'f'.repeat(64));
  for (const text of ['', 'ab12', 'f'.repeat(41), `${'f'.repeat(39)}/`, `../${'f'.repeat(37)}`])
    assert.throws(() => cleanFingerprint(text), { code: 'ERR_KEY_SYNTAX' });
});

test('keys count for all images, or for those below their prefix', async (t) => {
  const s = new TestKeystore(t);
  s.put(s.system, ALICE);
  s.put(s.system, BOB, 'example.com');
  s.put(s.local, CAROL, 'example.com/ap');
  const [alice, bob, carol] = [fingerprint(ALICE), fingerprint(BOB), fingerprint(CAROL)];
  for (const [name, keys] of [
    [undefined, [alice]],
    ['other.org', [alice]],
    ['example.com', [alice, bob]],
    ['example.com/app', [alice, bob]],
    ['example.com/ap', [alice, bob, carol]],
    ['example.com/ap/x', [alice, bob, carol]],
    ['example.communism', [alice]],
  ] as const) {
    assert.deepEqual(await namesFor(s, name), [...keys].sort(), name);
  }
});

test('there need be no directory at all', async (t) => {
  const s = new TestKeystore(t);
  assert.deepEqual(await namesFor(s, 'example.com/app'), []);
  assert.deepEqual(await listKeys(s.dirs), []);
  assert.deepEqual(await namesFor(s, `a/${'b/'.repeat(2000)}c`), []);
});

test('an empty file masks the key of the same place in earlier directories only', async (t) => {
  const s = new TestKeystore(t);
  s.put(s.system, ALICE);
  s.put(s.system, ALICE, 'example.com');
  const mask = s.mask(s.local, ALICE);
  assert.deepEqual(await namesFor(s), []);
  assert.deepEqual(await namesFor(s, 'example.com/app'), [fingerprint(ALICE)], 'another place');
  const { masked } = await trustedKeys(s.dirs);
  assert.deepEqual(
    masked.map(({ key, mask: by }) => [key?.getFingerprint(), by]),
    [[fingerprint(ALICE), mask]],
  );
  s.put(s.local, ALICE);
  assert.deepEqual(await namesFor(s), Array(2).fill(fingerprint(ALICE)), 'the key is there again');
  s.mask(s.system, BOB);
  s.put(s.local, BOB);
  assert.ok((await namesFor(s)).includes(fingerprint(BOB)), 'a mask reaches no later directory');
});

test('a mask also covers a file that cannot be read', async (t) => {
  const s = new TestKeystore(t);
  const file = s.write(keyFile(s.system, null, fingerprint(ALICE)), 'rubbish');
  await assert.rejects(namesFor(s), { code: 'ERR_CONFIG', path: file });
  s.mask(s.local, ALICE);
  assert.deepEqual(await namesFor(s), []);
});

test('a file that is not as it must be is named', async (t) => {
  const name = fingerprint(ALICE);
  const cases: [what: string, file: string, content: Uint8Array | string, says: RegExp][] = [
    ['another key', name, publicBytes(BOB), /holds the key [0-9a-f]{40}/],
    ['two keys', name, Buffer.concat([publicBytes(ALICE), publicBytes(BOB)]), /holds 2 keys/],
    ['no key', name, 'hello', /no OpenPGP public key/],
    ['a key cut short', name, publicBytes(ALICE).subarray(0, 60), /no OpenPGP public key/],
    ['armor in armor', name, nested(), /no OpenPGP public key/],
    ['another name', 'alice.asc', publicBytes(ALICE), /not named by the fingerprint/],
    ['capitals', name.toUpperCase(), publicBytes(ALICE), /not named by the fingerprint/],
    ['a short name', name.slice(24), publicBytes(ALICE), /not named by the fingerprint/],
    ['very much', name, Buffer.alloc(3 << 20, 0xff), /has 3145728 bytes, more than 2097152/],
  ];
  for (const [what, file, content, says] of cases) {
    await t.test(what, async (inner) => {
      const s = new TestKeystore(inner);
      const path = s.write(join(s.local, 'root.d', file), content);
      const expected = { code: what === 'very much' ? 'ERR_LIMIT' : 'ERR_CONFIG', path, message: says };
      await assert.rejects(trustedKeys(s.dirs, 'example.com'), expected);
      await assert.rejects(listKeys(s.dirs), expected);
    });
  }
});

function nested(): string {
  const armored = publicBytes(ALICE, true).toString();
  return armored.replace('\n\n', `\n\n${armored}\n`);
}

test('armored, binary and secret keys are read, and leftovers passed over', async (t) => {
  const s = new TestKeystore(t);
  s.write(keyFile(s.local, null, fingerprint(ALICE)), publicBytes(ALICE, true));
  s.write(keyFile(s.local, null, fingerprint(BOB)), `A note.\n\n${publicBytes(BOB, true)}`);
  s.write(keyFile(s.local, null, fingerprint(CAROL)), CAROL.armor());
  for (const leftover of [`${fingerprint(ALICE)}.17.tmp`, '.keep', `${fingerprint(ALICE)}~`])
    s.write(join(s.local, 'root.d', leftover), 'x');
  assert.deepEqual(await namesFor(s), [ALICE, BOB, CAROL].map(fingerprint).sort());
  assert.ok((await trustedKeys(s.dirs)).keys.every(({ key }) => !key.isPrivate()));
});

test('links in place of directories are refused, links in place of files must lead to the right key', async (t) => {
  const s = new TestKeystore(t);
  const file = s.put(s.system, ALICE, 'example.com');
  fs.mkdirSync(join(s.local, 'prefix.d'), { recursive: true });
  const link = join(s.local, 'prefix.d/other.org');
  fs.symlinkSync(dirname(file), link);
  await assert.rejects(trustedKeys(s.dirs, 'other.org/app'), { code: 'ERR_CONFIG', path: link });
  await assert.rejects(listKeys(s.dirs), { code: 'ERR_CONFIG', path: link });
  await assert.rejects(addKey(s.dirs, BOB, 'other.org/app'), { code: 'ERR_CONFIG', path: link });
  assert.deepEqual(fs.readdirSync(dirname(file)), [fingerprint(ALICE)], 'nothing was written through the link');
  fs.unlinkSync(link);

  fs.mkdirSync(join(s.local, 'root.d'));
  const key = join(s.local, 'root.d', fingerprint(ALICE));
  fs.symlinkSync(file, key);
  assert.deepEqual(await namesFor(s), [fingerprint(ALICE)]);
  for (const target of ['/nowhere', '/dev/null', s.put(s.system, BOB, 'b'), s.local]) {
    fs.unlinkSync(key);
    fs.symlinkSync(target, key);
    await assert.rejects(namesFor(s), { code: 'ERR_CONFIG', path: key }, target);
  }
  fs.unlinkSync(key);
  fs.symlinkSync('.', join(s.local, 'prefix.d/loop'));
  await assert.rejects(listKeys(s.dirs), { code: 'ERR_CONFIG' });
});

test('a prefix may go on with the name of a key', async (t) => {
  const s = new TestKeystore(t);
  s.put(s.local, ALICE, 'example.com');
  s.put(s.local, BOB, `example.com/app/${fingerprint(BOB)}`);
  assert.deepEqual(await namesFor(s, `example.com/${fingerprint(ALICE)}/x`), [fingerprint(ALICE)]);
  assert.deepEqual(await namesFor(s, `example.com/app/${fingerprint(BOB)}`), [ALICE, BOB].map(fingerprint).sort());
});

test('a key is added, listed and removed', async (t) => {
  const s = new TestKeystore(t);
  const { file } = await addKey(s.dirs, ALICE, 'example.com/app');
  assert.equal(file, join(s.local, 'prefix.d/example.com/app', fingerprint(ALICE)));
  assert.equal(fs.statSync(file).mode & 0o777, 0o644);
  assert.match(fs.readFileSync(file, 'latin1'), /^-----BEGIN PGP PUBLIC KEY BLOCK-----/, 'never a secret key');
  await addKey(s.dirs, ALICE, null);
  assert.deepEqual(
    (await listKeys(s.dirs)).map(({ prefix, users, masked, state }) => ({ prefix, users, masked, state })),
    [null, 'example.com/app'].map((prefix) => ({
      prefix,
      users: ['Alice <alice@example.com>'],
      masked: false,
      state: 'good',
    })),
  );
  const [removed] = await removeKey(s.dirs, fingerprint(ALICE), null);
  assert.deepEqual([removed?.masked, removed?.prefix], [false, null]);
  assert.deepEqual(await namesFor(s, 'example.com/app'), [fingerprint(ALICE)]);
  assert.equal((await removeKey(s.dirs, fingerprint(ALICE), undefined)).length, 1);
  assert.deepEqual(await listKeys(s.dirs), []);
  await assert.rejects(removeKey(s.dirs, fingerprint(ALICE), undefined), { code: 'ERR_NOT_FOUND' });
});

test('a key of the system is masked, and can be added again', async (t) => {
  const s = new TestKeystore(t);
  const system = s.put(s.system, ALICE, 'example.com');
  await addKey(s.dirs, ALICE, 'example.com');
  const [removed] = await removeKey(s.dirs, fingerprint(ALICE), undefined);
  assert.equal(removed?.masked, true);
  assert.equal(fs.statSync(removed?.file ?? '').size, 0);
  assert.deepEqual(await namesFor(s, 'example.com/app'), []);
  const [listed] = await listKeys(s.dirs);
  assert.deepEqual([listed?.masked, listed?.file, listed?.maskedBy], [true, system, removed?.file]);
  assert.deepEqual(listed?.users, ['Alice <alice@example.com>']);
  await assert.rejects(removeKey(s.dirs, fingerprint(ALICE), undefined), {
    code: 'ERR_NOT_FOUND',
    message: /masks it/,
  });
  await addKey(s.dirs, ALICE, 'example.com');
  assert.ok((await namesFor(s, 'example.com')).includes(fingerprint(ALICE)));
});

test('an old copy of a key does not undo what a newer one knows', async (t) => {
  const s = new TestKeystore(t);
  const dead = await revoked(ALICE);
  await addKey(s.dirs, ALICE.toPublic(), null);
  assert.equal((await listKeys(s.dirs))[0]?.state, 'good');
  await addKey(s.dirs, dead.toPublic(), null);
  assert.equal((await listKeys(s.dirs))[0]?.state, 'revoked');
  await addKey(s.dirs, ALICE.toPublic(), null);
  assert.equal((await listKeys(s.dirs))[0]?.state, 'revoked');
});

test('what strangers have signed is not kept', async (t) => {
  const s = new TestKeystore(t);
  const signed = await ALICE.toPublic().signAllUsers([BOB, CAROL]);
  assert.equal(signed.users[0]?.otherCertifications.length, 2);
  const { file } = await addKey(s.dirs, signed, null);
  const { keys } = await trustedKeys(s.dirs);
  assert.equal(keys[0]?.key.users[0]?.otherCertifications.length, 0);
  assert.ok(fs.statSync(file).size < 1200, `${fs.statSync(file).size} bytes`);
});
