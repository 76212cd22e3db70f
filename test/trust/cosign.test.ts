/** Signatures of OCI images by key: where they are found, which count, and why the others do not. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ErrorCode } from '../../engine/core/errors.js';
import { type RegistryReference, readRegistryReference } from '../../engine/image/oci/registry-reference.js';
import type { CosignSignature } from '../../engine/trust/cosign.js';
import { type Accepted, decide } from '../../engine/trust/decide.js';
import { type FoundSignature, findSignatures } from '../../engine/trust/find-signatures.js';
import { parsePolicy, requirementsFor } from '../../engine/trust/policy.js';
import { readImageKey } from '../../engine/trust/public-key.js';
import { keysOf } from '../../engine/trust/read-policy.js';
import { type PayloadOptions, payloadOf, pemOf, SignatureRepository, SigningKey } from '../fixtures/cosign.js';

const KEY = new SigningKey();
const OTHER = new SigningKey();
const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const INDEX = digest('index');
const MANIFEST = digest('manifest');
const REFERENCE = 'example.com/app:v1';
const image = (text: string): RegistryReference => readRegistryReference(text) as RegistryReference;

interface Case {
  keys?: readonly SigningKey[];
  identity?: object;
  asked?: string;
}

function judge(signatures: readonly FoundSignature[], { keys = [KEY], identity, asked = REFERENCE }: Case = {}) {
  const keyDatas = keys.map((key) => Buffer.from(pemOf(key)).toString('base64'));
  const rule = { type: 'sigstoreSigned', keyDatas, ...(identity === undefined ? {} : { signedIdentity: identity }) };
  const policy = parsePolicy(Buffer.from(JSON.stringify({ default: [rule] })), '/policy.json');
  const requirements = requirementsFor(policy, image(asked));
  return decide({ requirements, image: image(asked), digests: [INDEX, MANIFEST], signatures, keys: keysOf });
}

function signed(options: Partial<PayloadOptions> = {}, key = KEY): CosignSignature {
  return key.sign(payloadOf({ digest: MANIFEST, reference: REFERENCE, ...options }));
}

function refused(signatures: readonly FoundSignature[], code: ErrorCode, message: RegExp, given: Case = {}): void {
  assert.throws(() => judge(signatures, given), { code, message });
}

test('keys of all usual kinds sign, and what was verified says which did', () => {
  for (const [key, hash] of [
    [KEY, 'sha256'],
    [new SigningKey('ec', { namedCurve: 'secp384r1' }), 'sha384'],
    [new SigningKey('ec', { namedCurve: 'secp384r1' }), 'sha256'],
    [new SigningKey('ed25519'), null],
    [new SigningKey('rsa'), 'sha256'],
  ] as const) {
    const payload = payloadOf({ digest: MANIFEST, reference: REFERENCE });
    const accepted = judge([key.sign(payload, hash)], { keys: [OTHER, key] });
    const expected: Accepted[] = [
      { key: readImageKey(Buffer.from(pemOf(key)), '').fingerprint, by: '/policy.json, policy.json: default[0]' },
    ];
    assert.deepEqual(accepted, expected);
  }
});

test('who signs an index signs what is in it', () => {
  assert.equal(judge([signed({ digest: INDEX })]).length, 1);
});

test('what does not count, and why', () => {
  const good = signed();
  const changed = { ...good, payload: payloadOf({ digest: MANIFEST, reference: 'example.com/app:v2' }) };
  refused([], 'ERR_NO_SIGNATURE', /example\.com\/app:v1 must be signed, and is not/);
  refused([signed({}, OTHER)], 'ERR_UNTRUSTED_KEY', /none of the keys that count/);
  refused([changed], 'ERR_UNTRUSTED_KEY', /none of the keys/);
  refused([KEY.sign(good.payload, 'sha1')], 'ERR_UNTRUSTED_KEY', /none of the keys/);
  refused([signed({ digest: digest('other') })], 'ERR_BAD_SIGNATURE', /one of another image: sha256:/);
  refused([signed({ reference: 'example.com/other:v1' })], 'ERR_POLICY', /example\.com\/other:v1/);
  refused([signed({ reference: 'example.com/app:v2' })], 'ERR_POLICY', /matchRepoDigestOrExact wants .*:v1/);
  refused([signed({ reference: 'example.com/app' })], 'ERR_POLICY', /names no tag; .*matchRepository/);
  refused([signed({ reference: '%' })], 'ERR_POLICY', /no image reference/);
  refused([signed({ type: 'atomic container signature' })], 'ERR_BAD_SIGNATURE', /atomic container signature/);
  refused([signed({ critical: { until: 'noon' } })], 'ERR_BAD_SIGNATURE', /unknown key "until"/);
  refused([KEY.sign(Buffer.from('{"critical":'))], 'ERR_BAD_SIGNATURE', /no signature of an image/);
  refused([KEY.sign(Buffer.from('[]'))], 'ERR_BAD_SIGNATURE', /must be an object/);
  refused([{ ...good, signature: '' }], 'ERR_BAD_SIGNATURE', /not base64/);
  refused([{ ...good, signature: '%%%' }], 'ERR_BAD_SIGNATURE', /not base64/);
  refused([{ ...good, signature: good.signature.slice(0, 12) }], 'ERR_UNTRUSTED_KEY', /none of the keys/);
  refused([KEY.sign(Buffer.alloc(70_000, ' '))], 'ERR_LIMIT', /70000 bytes, more than 65536/);
  refused(Array(1001).fill(good), 'ERR_LIMIT', /1001 signatures, more than 1000/);
});

test('of several signatures one good one suffices, and of bad ones the gravest is told', () => {
  const bad = [signed({}, OTHER), signed({ digest: digest('other') })];
  assert.equal(judge([...bad, signed()]).length, 1);
  refused(bad, 'ERR_BAD_SIGNATURE', /another image/);
});

test('all requirements have to be fulfilled', () => {
  const rule = (key: SigningKey) => ({ type: 'sigstoreSigned', keyData: Buffer.from(pemOf(key)).toString('base64') });
  const document = { default: [{ type: 'insecureAcceptAnything' }, rule(KEY), rule(OTHER)] };
  const policy = parsePolicy(Buffer.from(JSON.stringify(document)), '/policy.json');
  const given = { requirements: requirementsFor(policy, image(REFERENCE)), image: image(REFERENCE), keys: keysOf };
  const both = [signed(), signed({}, OTHER)];
  assert.equal(decide({ ...given, digests: [MANIFEST], signatures: both }).length, 2);
  assert.throws(() => decide({ ...given, digests: [MANIFEST], signatures: [signed()] }), {
    code: 'ERR_UNTRUSTED_KEY',
    entry: 'policy.json: default[2]',
  });
});

test('signedIdentity says for which names a signature counts', () => {
  const at = `@${MANIFEST}`;
  const remap = { type: 'remapIdentity', prefix: 'mirror.local:5000/hub', signedPrefix: 'docker.io' };
  const cases: [identity: object | undefined, asked: string, claimed: string, counts: boolean][] = [
    [undefined, 'example.com/app:v1', 'example.com/app:v1', true],
    [undefined, 'example.com/app', 'example.com/app:latest', true],
    [undefined, `example.com/app${at}`, 'example.com/app:v7', true],
    [undefined, `example.com/app:v1${at}`, 'example.com/app:v7', true],
    [undefined, `example.com/app${at}`, 'example.com/app', false],
    [undefined, `example.com/app${at}`, 'example.com/apps:v1', false],
    [undefined, 'busybox:1', 'docker.io/library/busybox:1', true],
    [{ type: 'matchExact' }, 'example.com/app:v1', 'example.com/app:v1', true],
    [{ type: 'matchExact' }, `example.com/app${at}`, 'example.com/app:v1', false],
    [{ type: 'matchExact' }, `example.com/app${at}`, `example.com/app${at}`, true],
    [{ type: 'matchRepository' }, 'example.com/app:v1', 'example.com/app', true],
    [{ type: 'matchRepository' }, 'example.com/app:v1', 'example.com/app:v9', true],
    [{ type: 'matchRepository' }, 'example.com/app:v1', 'example.com/app/x', false],
    [{ type: 'exactReference', dockerReference: 'a.org/b:c' }, 'example.com/app', 'a.org/b:c', true],
    [{ type: 'exactReference', dockerReference: 'a.org/b:c' }, 'example.com/app', 'a.org/b:d', false],
    [{ type: 'exactRepository', dockerRepository: 'a.org/b' }, 'example.com/app', 'a.org/b:d', true],
    [{ type: 'exactRepository', dockerRepository: 'a.org/b' }, 'example.com/app', 'a.org/bc', false],
    [remap, 'mirror.local:5000/hub/library/busybox:1', 'busybox:1', true],
    [remap, 'mirror.local:5000/hub/library/busybox:1', 'busybox:2', false],
    [remap, 'mirror.local:5000/hubs/library/busybox:1', 'busybox:1', false],
    [remap, 'example.com/app:v1', 'example.com/app:v1', true],
  ];
  for (const [identity, asked, reference, counts] of cases) {
    const given = { asked, ...(identity === undefined ? {} : { identity }) };
    const told = `${JSON.stringify(identity)}: ${asked} by ${reference}`;
    if (counts) assert.equal(judge([signed({ reference })], given).length, 1, told);
    else assert.throws(() => judge([signed({ reference })], given), { code: 'ERR_POLICY' }, told);
  }
});

test('signatures are found under the tag and among what refers to the image, for each digest', async () => {
  const repository = new SignatureRepository();
  assert.deepEqual(await findSignatures(repository, [INDEX, MANIFEST]), []);
  assert.deepEqual(
    repository.asked,
    [INDEX, MANIFEST].map((each) => `${each.replace(':', '-')}.sig`),
  );
  const [one, two] = [signed(), signed({ digest: INDEX })];
  repository.tag(MANIFEST, [one]);
  repository.refer(INDEX, [two]);
  repository.refer(INDEX, [signed({}, OTHER)], 'application/vnd.example.sbom');
  const found = await findSignatures(repository, [INDEX, MANIFEST]);
  assert.deepEqual(found, [two, one]);
  assert.equal(judge(found).length, 1);
});

test('a payload that many signatures share is fetched once', async () => {
  const repository = new SignatureRepository();
  const { payload } = signed();
  repository.tag(
    MANIFEST,
    Array.from({ length: 20 }, () => KEY.sign(payload)),
  );
  assert.equal((await findSignatures(repository, [MANIFEST])).length, 20);
  assert.equal(repository.asked.filter((each) => each === digest(payload.toString())).length, 1);
});

test('a signature whose payload is gone is a bad one, beside which another may be good', async () => {
  const repository = new SignatureRepository();
  const [lost, good] = [signed({ reference: 'example.com/app:v2' }), signed()];
  repository.tag(MANIFEST, [lost]);
  repository.lose(lost);
  const found = await findSignatures(repository, [MANIFEST]);
  refused(found, 'ERR_BAD_SIGNATURE', /what it signs cannot be had: no sha256:/);
  repository.refer(MANIFEST, [good]);
  assert.equal(judge(await findSignatures(repository, [MANIFEST])).length, 1);
});

test('what is no manifest with signatures is refused, and other layers are passed over', async () => {
  const find = (document: string) => {
    const repository = new SignatureRepository();
    repository.put(`${MANIFEST.replace(':', '-')}.sig`, Buffer.from(document));
    return findSignatures(repository, [MANIFEST]);
  };
  const bad = { code: 'ERR_BAD_SIGNATURE', message: /manifest with signatures cannot be read/ };
  for (const document of ['', '[]', '{"layers":{}}', '{"layers":[{"digest":"sha256:0"}]}', '{"a":1,"a":2}'])
    await assert.rejects(find(document), bad, document);
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: MANIFEST, size: 1 };
  assert.deepEqual(await find(JSON.stringify({ layers: [layer] })), []);
  const many = Array(1001).fill({ ...layer, mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json' });
  await assert.rejects(find(JSON.stringify({ layers: many })), { code: 'ERR_LIMIT' });
});
