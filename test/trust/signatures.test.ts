/** Detached OpenPGP signatures: which count, and why the others do not. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import * as openpgp from 'openpgp';
import type { ErrorCode } from '../../engine/core/errors.js';
import { beginVerification, type Verified, verifySignature } from '../../engine/trust/openpgp.js';
import { trustedKeys } from '../../engine/trust/trusted-keys.js';
import { before, DAY, makeKey, revoked, sign, signWith } from '../fixtures/keys.js';
import { TestKeystore } from '../fixtures/keystore.js';

const CONTENT = 'the bytes of an image';
const NAME = 'example.com/app';

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < text.length; i += 5) yield Buffer.from(text.slice(i, i + 5));
}

async function verify(s: TestKeystore, signature: Uint8Array, content = CONTENT, now?: Date): Promise<Verified> {
  const keys = await trustedKeys(s.dirs, NAME);
  return verifySignature({ content: inPieces(content), signature, keys, ...(now === undefined ? {} : { now }) });
}

async function refused(s: TestKeystore, signature: Uint8Array, code: ErrorCode, says: RegExp): Promise<void> {
  await assert.rejects(verify(s, signature), (error: { code: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    return true;
  });
}

async function trusting(t: TestContext, ...keys: openpgp.Key[]): Promise<TestKeystore> {
  const s = new TestKeystore(t);
  for (const key of keys) s.put(s.system, key);
  return s;
}

test('a good signature says who made it, and when', async (t) => {
  for (const armored of [false, true]) {
    const key = await makeKey({ name: 'Alice' });
    const s = await trusting(t, await makeKey({ name: 'Bob' }), key);
    const date = before(1);
    const verified = await verify(s, await sign(CONTENT, key, { armored, date }));
    assert.deepEqual(verified, {
      fingerprint: key.getFingerprint(),
      keyId: key.getKeyID().toHex(),
      by: 'Alice <alice@example.com>',
      signedAt: new Date(Math.floor(date.getTime() / 1000) * 1000),
    });
  }
});

test('a signature by any of its subkeys is one by the key', async (t) => {
  const key = await makeKey({ subkeys: [{}, { sign: true }, { sign: true }] });
  const s = await trusting(t, key);
  for (const subkey of key.subkeys.slice(1)) {
    const { fingerprint, keyId } = await verify(s, await signBy(CONTENT, key, subkey));
    assert.equal(fingerprint, key.getFingerprint());
    assert.equal(keyId, subkey.getKeyID().toHex());
  }
});

function signBy(content: string, key: openpgp.PrivateKey, { keyPacket }: openpgp.Subkey): Promise<Buffer> {
  const only = key.subkeys.filter((subkey) => subkey.keyPacket === keyPacket);
  return sign(content, Object.assign(Object.create(key), { subkeys: only }));
}

test('keys of version 6 sign as well, with salt', async (t) => {
  const key = await makeKey({ v6: true });
  const s = await trusting(t, key);
  const good = await sign(CONTENT, key);
  assert.equal((await verify(s, good)).fingerprint.length, 64);
  await refused(s, await sign('other', key), 'ERR_BAD_SIGNATURE', /other bytes/);
  const saltless = Buffer.from(good);
  const { packets } = await openpgp.readSignature({ binarySignature: good });
  const [packet] = packets as unknown as [{ salt: Uint8Array }];
  const at = saltless.indexOf(packet.salt);
  assert.equal(saltless[at - 1], packet.salt.length);
  const cut = Buffer.concat([good.subarray(0, at - 1), Buffer.from([0]), good.subarray(at + packet.salt.length)]);
  cut[1] = (cut[1] as number) - packet.salt.length;
  await refused(s, cut, 'ERR_BAD_SIGNATURE', /salt/);
});

test('a signature of other bytes, or what is none, is refused', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  const good = await sign(CONTENT, key);
  const armored = (await sign(CONTENT, key, { armored: true })).toString();
  const nested = await openpgp.armor(openpgp.enums.armor.signature, Buffer.from(armored));
  const cases: [what: string, bytes: Uint8Array, says: RegExp][] = [
    ['of other bytes', await sign(`${CONTENT}.`, key), /other bytes/],
    ['of nothing', await sign('', key), /other bytes/],
    ['empty', Buffer.alloc(0), /no detached signature/],
    ['text', Buffer.from('404 not found'), /no detached signature/],
    ['zeros', Buffer.alloc(100), /no detached signature/],
    ['cut', good.subarray(0, -3), /./],
    ['armor without an end', Buffer.from(armored.slice(0, 100)), /no detached signature/],
    ['armor of armor', Buffer.from(nested), /no detached signature/],
    ['armor in armor', Buffer.from(armored.replace('\n\n', `\n\n${armored}`)), /no detached signature/],
    ['a key', Buffer.from(key.toPublic().armor()), /no detached signature/],
    ['with a flipped bit', flipped(good), /other bytes|not a valid|signature/i],
  ];
  for (const [what, bytes, says] of cases) {
    await t.test(what, () => refused(s, bytes, 'ERR_BAD_SIGNATURE', says));
  }
});

test('very large files, and very many signatures, are not judged', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  const good = await sign(CONTENT, key);
  await verify(s, Buffer.concat(Array.from({ length: 16 }, () => good)));
  await refused(s, Buffer.concat([good, Buffer.alloc(10 << 20, 0xc2)]), 'ERR_LIMIT', /has \d+ bytes, more than 65536/);
  await refused(s, Buffer.concat(Array.from({ length: 17 }, () => good)), 'ERR_LIMIT', /17 signatures, more than 16/);
});

test('where there is no signature, that is said', async (t) => {
  const s = await trusting(t, await makeKey());
  const keys = await trustedKeys(s.dirs, NAME);
  const message = `${NAME} must be signed, and is not`;
  const none = { signature: undefined, keys };
  await assert.rejects(verifySignature({ content: inPieces(CONTENT), ...none }), { code: 'ERR_NO_SIGNATURE', message });
});

test('all usual kinds of keys sign', async (t) => {
  const options = { userIDs: { name: 'Kind' }, date: before(2), format: 'object' } as const;
  for (const kind of [
    { type: 'rsa', rsaBits: 2048 },
    { type: 'ecc', curve: 'nistP256' },
    { type: 'ecc', curve: 'nistP384' },
    { type: 'ecc', curve: 'ed25519Legacy' },
    { type: 'curve25519' },
  ] as const) {
    const { privateKey } = await openpgp.generateKey({ ...options, ...kind });
    const s = await trusting(t, privateKey);
    await verify(s, await sign(CONTENT, privateKey));
    await refused(s, await sign(`${CONTENT}.`, privateKey), 'ERR_BAD_SIGNATURE', /other bytes/);
  }
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 5] = (copy[copy.length - 5] as number) ^ 4;
  return copy;
}

test('only signatures of bytes count', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  const { signature, hash } = openpgp.enums;
  await verify(s, await signWith(CONTENT, key));
  await verify(s, await signWith(CONTENT, key, { hash: hash.sha256 }));
  await refused(s, await signWith(CONTENT, key, { type: signature.text }), 'ERR_BAD_SIGNATURE', /made for text/);
  await refused(s, await signWith(CONTENT, key, { type: signature.standalone }), 'ERR_BAD_SIGNATURE', /document/);
});

test('a key that is not trusted is named, and how to trust it', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, await makeKey());
  const signature = await sign(CONTENT, key);
  const id = key.getKeyID().toHex();
  const how = /"cairn trust add --prefix example\.com\/app KEY"/;
  await refused(s, signature, 'ERR_UNTRUSTED_KEY', new RegExp(`${id}.*not trusted for ${NAME}.*${how.source}`));
  const keys = await trustedKeys(s.dirs);
  await assert.rejects(
    verifySignature({ content: inPieces(CONTENT), signature, keys }),
    /"cairn trust add --root KEY"/,
  );
});

test('a key counts for the prefix that it was trusted for', async (t) => {
  const key = await makeKey();
  for (const [prefix, counts] of [
    ['example.com', true],
    [NAME, true],
    ['example.com/ap', false],
    ['example.com/app/sub', false],
    ['example.co', false],
    ['other.org', false],
  ] as const) {
    const s = new TestKeystore(t);
    s.put(s.local, key, prefix);
    const signature = await sign(CONTENT, key);
    if (counts) await verify(s, signature);
    else await refused(s, signature, 'ERR_UNTRUSTED_KEY', /not trusted/);
  }
});

test('expiry is judged now, not when the signature was made', async (t) => {
  const hour = 3600;
  const key = await makeKey({ date: before(10), expires: 24 * hour * 5 });
  const s = await trusting(t, key);
  const signature = await sign(CONTENT, key, { date: before(9) });
  await refused(s, signature, 'ERR_KEY_EXPIRED', new RegExp(`${key.getFingerprint()} .*expired at`));
  await verify(s, signature, CONTENT, before(8));
  const extended = await openpgp.reformatKey({ privateKey: key, userIDs: { name: 'A' }, format: 'object' });
  const renewed = await trusting(t, extended.privateKey);
  await verify(renewed, signature);
});

test('a signature can expire as well, and cannot come from the future', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  await refused(
    s,
    await signWith(CONTENT, key, { date: before(2), expires: 60 }),
    'ERR_KEY_EXPIRED',
    /signature.*expired/,
  );
  await verify(s, await signWith(CONTENT, key, { date: before(2), expires: 3 * 86_400 }));
  const future = await signWith(CONTENT, key, { date: new Date(Date.now() + DAY) });
  await refused(s, future, 'ERR_BAD_SIGNATURE', /in the future/);
  const tooOld = await signWith(CONTENT, key, { date: before(30) });
  await refused(s, tooOld, 'ERR_BAD_SIGNATURE', /older than its key/);
});

test('a revoked key does not count, whatever its copies know', async (t) => {
  const key = await makeKey();
  const signature = await sign(CONTENT, key);
  const dead = await revoked(key);
  await refused(await trusting(t, dead), signature, 'ERR_KEY_REVOKED', /was revoked/);
  const s = new TestKeystore(t);
  s.put(s.system, dead);
  s.put(s.local, key);
  await refused(s, signature, 'ERR_KEY_REVOKED', /was revoked/);
  const other = new TestKeystore(t);
  other.put(other.system, key);
  other.put(other.local, dead, NAME);
  await refused(other, signature, 'ERR_KEY_REVOKED', /was revoked/);
});

test('a subkey can be revoked, or expire, by itself', async (t) => {
  const key = await makeKey({ subkeys: [{ sign: true }] });
  const signature = await sign(CONTENT, key);
  const [subkey] = key.subkeys as [openpgp.Subkey];
  key.subkeys[0] = await subkey.revoke(key.keyPacket as openpgp.SecretKeyPacket);
  await refused(await trusting(t, key), signature, 'ERR_KEY_REVOKED', /subkey .* was revoked/);
  const primary = await makeKey({ date: before(10) });
  const late = await primary.addSubkey({
    sign: true,
    date: before(9),
    keyExpirationTime: 86_400,
  } as openpgp.SubkeyOptions);
  const early = await sign(CONTENT, late, { date: new Date(before(9).getTime() + 60_000) });
  await refused(await trusting(t, late), early, 'ERR_KEY_EXPIRED', /subkey .* expired at/);
});

test('a masked key is refused, and its mask named', async (t) => {
  const key = await makeKey({ subkeys: [{ sign: true }] });
  const signature = await sign(CONTENT, key);
  for (const prefix of [null, 'example.com', NAME]) {
    const s = new TestKeystore(t);
    s.put(s.system, key, prefix);
    await verify(s, signature);
    const mask = s.mask(s.local, key, prefix);
    await refused(s, signature, 'ERR_UNTRUSTED_KEY', new RegExp(`masked by ${mask}`));
  }
  const bare = await makeKey();
  const s = new TestKeystore(t);
  s.mask(s.local, bare);
  await refused(s, await sign(CONTENT, bare), 'ERR_UNTRUSTED_KEY', /masked by/);
});

test('of several signatures in one file one good one suffices', async (t) => {
  const [alice, bob, dead] = [await makeKey(), await makeKey(), await makeKey()];
  const s = await trusting(t, alice, await revoked(dead));
  const good = await sign(CONTENT, alice);
  const wrong = await sign('other', alice);
  const unknown = await sign(CONTENT, bob);
  const from = await sign(CONTENT, dead);
  await verify(s, await sign(CONTENT, [bob, alice], { armored: true }));
  await verify(s, Buffer.concat([unknown, wrong, from, good]));
  const armored = await Promise.all([bob, alice].map((key) => sign(CONTENT, key, { armored: true })));
  await verify(s, Buffer.concat(armored));
  await refused(s, Buffer.concat([unknown, wrong]), 'ERR_BAD_SIGNATURE', /other bytes/);
  await refused(s, Buffer.concat([unknown, from]), 'ERR_KEY_REVOKED', /revoked/);
  const later = Buffer.from([0xc2, 6, 3, 5, 0, 0, 0, 0]);
  await verify(s, Buffer.concat([later, good]));
});

test('a key that must not sign, or a hash that is not safe, does not count', async (t) => {
  const rsa = await openpgp.generateKey({
    type: 'rsa',
    rsaBits: 2048,
    userIDs: { name: 'Rsa' },
    date: before(2),
    format: 'object',
  });
  const [encrypting] = rsa.privateKey.subkeys as [openpgp.Subkey];
  const s = await trusting(t, rsa.privateKey);
  await verify(s, await sign(CONTENT, rsa.privateKey));
  await refused(s, await signWith(CONTENT, encrypting), 'ERR_BAD_SIGNATURE', /subkey .* cannot sign/);
  const old = await signWith(CONTENT, rsa.privateKey, { hash: openpgp.enums.hash.sha1 });
  await refused(s, old, 'ERR_BAD_SIGNATURE', /SHA-1 is too weak/);
  const unknown = await sign(CONTENT, rsa.privateKey);
  const { packets } = await openpgp.readSignature({ binarySignature: unknown });
  const { signatureData } = packets[0] as openpgp.SignaturePacket;
  unknown[unknown.indexOf(signatureData as Uint8Array) + 3] = 99;
  await refused(s, unknown, 'ERR_BAD_SIGNATURE', /the hash 99 is too weak or not known/);
});

test('a key whose name it did not sign, or a subkey that it does not own, does not sign', async (t) => {
  const key = await makeKey({ subkeys: [{ sign: true }] });
  const signature = await signWith(CONTENT, key);
  const forged = key.toPublic();
  const [user] = forged.users as unknown as [{ userID: openpgp.UserIDPacket }];
  user.userID = openpgp.UserIDPacket.fromObject({ name: 'Somebody else' });
  await refused(await trusting(t, forged), signature, 'ERR_BAD_SIGNATURE', /cannot sign/);

  const thief = await makeKey();
  const stolen = thief.toPublic();
  stolen.subkeys.push(...key.toPublic().subkeys);
  await refused(await trusting(t, stolen), await sign(CONTENT, key), 'ERR_BAD_SIGNATURE', /cannot sign/);
});

test('keys are judged before there is any content', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, await revoked(key));
  const keys = await trustedKeys(s.dirs, NAME);
  await assert.rejects(beginVerification({ signature: await sign(CONTENT, key), keys }), { code: 'ERR_KEY_REVOKED' });
});

test('a file is read, and one that is not there is told of', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  const file = s.write(`${s.local}/image.aci`, CONTENT);
  const keys = await trustedKeys(s.dirs, NAME);
  const signature = await sign(CONTENT, key);
  await verifySignature({ content: file, signature, keys });
  await assert.rejects(verifySignature({ content: `${file}.gone`, signature, keys }), { code: 'ERR_IO' });
});

test('no signature, however damaged, counts, or leaves a rejection that nobody handles', async (t) => {
  const key = await makeKey();
  const s = await trusting(t, key);
  const keys = await trustedKeys(s.dirs, NAME);
  const good = await sign(CONTENT, key);
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  const { packets } = await openpgp.readSignature({ binarySignature: good });
  const signed = ((packets[0] as openpgp.SignaturePacket).signatureData as Uint8Array).length;
  const header = good.length - (good[1] as number);
  for (let at = 0; at < good.length; at++) {
    const broken = Buffer.from(good);
    broken[at] = (broken[at] as number) ^ (1 << (at % 8));
    const judged = await verifySignature({ content: inPieces(CONTENT), signature: broken, keys }).catch(
      (error: { code?: string }) => error.code,
    );
    const told = `byte ${at}: ${JSON.stringify(judged)}`;
    if (typeof judged === 'string') assert.match(judged, /^ERR_(?:BAD_SIGNATURE|UNTRUSTED_KEY|KEY_EXPIRED)$/, told);
    // The rest says nothing that counts, and its numbers can be spelled in several ways.
    else assert.ok(at < header || at >= header + signed, told);
  }
  await new Promise(setImmediate);
  assert.deepEqual(unhandled, []);
});
