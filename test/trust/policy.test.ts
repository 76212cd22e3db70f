/** The policy: what is read, which scope decides, and what becomes of an image. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RegistryReference, readRegistryReference } from '../../engine/image/oci/registry-reference.js';
import { decide, mustNotBeRejected, needsSignatures } from '../../engine/trust/decide.js';
import { parsePolicy, requirementsFor } from '../../engine/trust/policy.js';
import { keysOf, readPolicy } from '../../engine/trust/read-policy.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { pemOf, SigningKey } from '../fixtures/cosign.js';
import { TestKeystore } from '../fixtures/keystore.js';

const PATH = '/etc/containers/policy.json';
const REJECT = [{ type: 'reject' }];
const ACCEPT = [{ type: 'insecureAcceptAnything' }];
const KEY = new SigningKey();

const policyOf = (document: unknown) => parsePolicy(Buffer.from(JSON.stringify(document)), PATH);
const image = (text: string): RegistryReference => readRegistryReference(text) as RegistryReference;
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** A policy each of whose scopes names a key by which it can be told from the others. */
function scoped(scopes: readonly string[]) {
  const rules = scopes.map((scope) => [scope, [{ type: 'sigstoreSigned', keyPath: `/${scope}` }]]);
  const policy = policyOf({
    default: REJECT,
    transports: { docker: Object.fromEntries(rules), oci: { '/x': REJECT } },
  });
  return (text: string): string => {
    const [rule] = requirementsFor(policy, image(text));
    if (rule?.type !== 'sigstoreSigned') return '(default)';
    const [key] = rule.keys;
    return key !== undefined && 'path' in key ? key.path.slice(1) : '';
  };
}

test('the most specific scope decides', () => {
  const all = [
    ...['docker.io', 'docker.io/library', 'docker.io/library/busybox', 'docker.io/library/busybox:1'],
    ...['example.com', 'example.com/team', 'example.com/team/app', 'example.com/team/app:v1', '*.example.com', '*.org'],
    ...[`example.com/team/app@${DIGEST}`, 'example.com:5000/team', '*.sub.example.com', 'localhost:5000', ''],
  ];
  const decidedBy = scoped(all);
  for (const [asked, scope] of [
    ['busybox', 'docker.io/library/busybox'],
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['docker.io/busybox:1', 'docker.io/library/busybox:1'],
    ['index.docker.io/library/busybox:1', 'docker.io/library/busybox:1'],
    ['alpine', 'docker.io/library'],
    ['team/app', 'docker.io'],
    ['example.com/team/app:v1', 'example.com/team/app:v1'],
    ['EXAMPLE.com/team/app:v1', 'example.com/team/app:v1'],
    ['example.com/team/app:v2', 'example.com/team/app'],
    ['example.com/team/app/sub', 'example.com/team/app'],
    ['example.com/team/apple', 'example.com/team'],
    ['example.com/teams/x', 'example.com'],
    [`example.com/team/app@${DIGEST}`, `example.com/team/app@${DIGEST}`],
    [`example.com/team/app:v1@${DIGEST.replace('0', '1')}`, 'example.com/team/app'],
    ['a.example.com/app', '*.example.com'],
    ['a.b.example.com/app', '*.example.com'],
    ['a.sub.example.com:444/app', '*.sub.example.com'],
    ['a.org/x', '*.org'],
    ['org/x', 'docker.io'],
    ['example.com:5000/team/app', 'example.com:5000/team'],
    ['example.com:5000/x', ''],
    ['localhost:5000/x', 'localhost:5000'],
    ['localhost/x', ''],
    ['notexample.com/app', ''],
  ] as const) {
    assert.equal(decidedBy(asked), scope, asked);
  }
  const few = scoped(['example.com/team/app:latest', 'example.com/no:v1']);
  assert.equal(few('example.com/team/app'), 'example.com/team/app:latest');
  assert.equal(few('example.com/other'), '(default)');
  assert.equal(few('example.com/no'), '(default)');
});

test('without a policy every image is accepted', () => {
  assert.deepEqual(requirementsFor(undefined, image('busybox')), []);
});

test('reject is refused before anything is asked of a registry, as is what is not supported', () => {
  const refuse = (requirement: object, code: string, message: RegExp): void => {
    const requirements = requirementsFor(policyOf({ default: [requirement] }), image('busybox'));
    const expected = { code, message, path: PATH, entry: 'policy.json: default[0]' };
    assert.throws(() => mustNotBeRejected(requirements, image('busybox')), expected);
    const question = { image: image('busybox'), digests: [DIGEST], signatures: [], keys: () => [] };
    assert.throws(() => decide({ ...question, requirements }), expected);
  };
  refuse({ type: 'reject' }, 'ERR_POLICY', /rejects docker\.io\/library\/busybox/);
  for (const [requirement, what] of [
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' }, /signedBy/],
    [{ type: 'signedBaseLayer', baseLayerIdentity: { type: 'matchExact' } }, /signedBaseLayer/],
    [{ type: 'sigstoreSigned', fulcio: {} }, /fulcio/],
    [{ type: 'sigstoreSigned', keyPath: '/k', rekorPublicKeyPath: '/r' }, /rekorPublicKeyPath/],
  ] as const) {
    refuse(requirement, 'ERR_UNSUPPORTED', what);
  }
  const accepts = requirementsFor(policyOf({ default: ACCEPT }), image('busybox'));
  assert.equal(needsSignatures(accepts), false);
  mustNotBeRejected(accepts, image('busybox'));
});

test('a policy that breaks a rule is refused whole, with the place and the nearest name', () => {
  const signed = (fields: object): object => ({ default: [{ type: 'sigstoreSigned', ...fields }] });
  const keyData = Buffer.from(pemOf(KEY)).toString('base64');
  const cases: [what: string, document: unknown, says: RegExp][] = [
    ['no default', { transports: {} }, /not empty/],
    ['an empty default', { default: [] }, /not empty/],
    ['a list', [], /must be an object/],
    ['an unknown key', { defaults: REJECT }, /unknown key "defaults"; did you mean default\?/],
    ['an unknown key of a rule', { default: [{ type: 'reject', typo: '' }] }, /unknown key "typo"; did you mean type/],
    ['an unknown requirement', { default: [{ type: 'rejects' }] }, /unknown requirement/],
    ['no requirement at all', { default: [{}] }, /unknown requirement/],
    ['another transport', { default: REJECT, transports: { oci: { '/x': [{ type: 'x' }] } } }, /unknown requirement/],
    ['no key', signed({}), /exactly one of/],
    ['two keys', signed({ keyPath: '/a', keyData }), /exactly one of/],
    ['an empty list of keys', signed({ keyPaths: [] }), /must name a key/],
    ['a relative path', signed({ keyPath: 'key.pub' }), /absolute path/],
    ['what is not base64', signed({ keyData: '%' }), /base64/],
    [
      'an unknown identity',
      signed({ keyData, signedIdentity: { type: 'matchAll' } }),
      /unknown kind of signedIdentity/,
    ],
    [
      'a reference without a tag',
      signed({ keyData, signedIdentity: { type: 'exactReference', dockerReference: 'busybox' } }),
      /a tag or a digest/,
    ],
    [
      'a prefix that is none',
      signed({ keyData, signedIdentity: { type: 'remapIdentity', prefix: '/a', signedPrefix: 'b' } }),
      /a registry, a namespace or a repository/,
    ],
  ];
  for (const [what, document, says] of cases)
    assert.throws(() => policyOf(document), { code: 'ERR_CONFIG', path: PATH, message: says }, what);
  const twice = Buffer.from('{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}');
  assert.throws(() => parsePolicy(twice, PATH), { code: 'ERR_CONFIG' }, 'a key twice');
  assert.throws(() => parsePolicy(Buffer.from('{'), PATH), { code: 'ERR_CONFIG' }, 'no JSON');
});

test("the user's policy is read, else the system's, or the one that was asked for", (t) => {
  const s = new TestKeystore(t);
  const home = temporaryDirectory(t);
  const own = s.write(join(home, '.config/containers/policy.json'), JSON.stringify({ default: REJECT }));
  assert.equal(readPolicy(undefined, home)?.path, own);
  const given = s.write(join(home, 'p.json'), JSON.stringify({ default: ACCEPT }));
  assert.equal(readPolicy(given, home)?.default[0]?.type, 'insecureAcceptAnything');
  assert.throws(() => readPolicy(join(home, 'none.json'), home), { code: 'ERR_NOT_FOUND' });
  s.write(own, 'rubbish');
  assert.throws(() => readPolicy(undefined, home), { code: 'ERR_CONFIG', path: own });
});

test('keys are read from files and from the policy, and one that cannot be read is named', (t) => {
  const s = new TestKeystore(t);
  const file = s.write(join(s.local, 'key.pub'), pemOf(KEY));
  const rule = (keys: readonly ({ path: string } | { pem: Buffer })[]) => ({
    type: 'sigstoreSigned' as const,
    ...{ keys, path: PATH, entry: 'policy.json: default[0]', identity: { type: 'matchRepository' as const } },
  });
  const [one, two] = keysOf(rule([{ path: file }, { pem: Buffer.from(pemOf(KEY)) }]));
  assert.match(one?.fingerprint ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(
    [one?.from, two?.from, two?.fingerprint],
    [file, `${PATH}, policy.json: default[0]`, one?.fingerprint],
  );
  const refuse = (pem: string, says: RegExp): void =>
    assert.throws(() => keysOf(rule([{ pem: Buffer.from(pem) }])), { code: 'ERR_CONFIG', path: PATH, message: says });
  assert.throws(() => keysOf(rule([{ path: join(s.local, 'gone.pub') }])), {
    code: 'ERR_CONFIG',
    message: /gone\.pub/,
  });
  refuse('rubbish', /no PEM file with one public key/);
  refuse(`${pemOf(KEY)}${pemOf(KEY)}`, /no PEM file with one public key/);
  refuse(KEY.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /no PEM file with one public key/);
  refuse('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /it is no public key/);
  refuse(pemOf(new SigningKey('rsa', { modulusLength: 1024 })), /1024 bits is too weak/);
  refuse(pemOf(new SigningKey('ec', { namedCurve: 'secp256k1' })), /secp256k1/);
  refuse(pemOf(new SigningKey('x25519')), /x25519/);
});
