/** What an IMAGE argument means, by its looks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import { ARGUMENT_TYPES, type ArgumentType } from '../../engine/core/finding.js';
import { guessArgument, type ImageArgument, type Locate } from '../../engine/resolve/guess-argument.js';

/** What exists in these tests, each with images of any reference. */
const THERE = ['app', 'app.aci', 'dir/layout', '/abs/a:b.tar', 'deadbeefcafe', 'example.com/app', './here', 'a b'];

const locate: Locate = (text) => {
  if (THERE.includes(text)) return { path: text };
  for (let colon = text.lastIndexOf(':'); colon > 0; colon = text.lastIndexOf(':', colon - 1)) {
    const path = text.slice(0, colon);
    if (THERE.includes(path)) return { path, reference: text.slice(colon + 1) };
  }
  return undefined;
};

const key = (text: string): ImageArgument => ({ kind: 'key', text });
const registry = (reference: string): ImageArgument => ({ kind: 'registry', reference });
const url = (text: string): ImageArgument => ({ kind: 'url', url: new URL(text) });
const name = (text: string): ImageArgument => ({ kind: 'name', name: text });
const path = (text: string, reference?: string): ImageArgument =>
  reference === undefined ? { kind: 'path', path: text } : { kind: 'path', path: text, reference };

const DIGEST = `sha256:${'0'.repeat(64)}`;

const GUESSES: readonly [text: string, means: ImageArgument][] = [
  ['sha512-ab', key('sha512-ab')],
  ['SHA512-AB', key('SHA512-AB')],
  ['sha256:ab', key('sha256:ab')],
  [DIGEST, key(DIGEST)],
  ['deps-sha512-ab', key('deps-sha512-ab')],
  ['0123456789ab', key('0123456789ab')],
  ['deadbeefcafe', key('deadbeefcafe')],
  ['0123456789a', name('0123456789a')],
  ['docker://app', registry('app')],
  ['docker://localhost:5000/team/app:v1', registry('localhost:5000/team/app:v1')],
  [`Docker://quay.io/app@${DIGEST}`, registry(`quay.io/app@${DIGEST}`)],
  ['oci:dir/layout', path('dir/layout')],
  ['oci:dir/layout:v1', path('dir/layout', 'v1')],
  ['oci:/abs/a:b.tar', path('/abs/a:b.tar')],
  ['oci:/abs/a:b.tar:v1', path('/abs/a:b.tar', 'v1')],
  ['oci:gone:docker.io/app:v1', path('gone', 'docker.io/app:v1')],
  ['oci:gone', path('gone')],
  ['docker-archive:app.aci:docker.io/app:v1', path('app.aci', 'docker.io/app:v1')],
  ['docker-archive:gone.tar:app:v1', path('gone.tar', 'app:v1')],
  ['https://example.com/app.aci', url('https://example.com/app.aci')],
  ['HTTPS://example.com/app.tar.gz?x=/', url('https://example.com/app.tar.gz?x=/')],
  ['http://localhost/app', url('http://localhost/app')],
  ['file:///abs/app.aci', path('/abs/app.aci')],
  ['file://localhost/abs/app.aci', path('/abs/app.aci')],
  ['file://dir/a%20b', path('dir/a b')],
  ['file:///abs/a:b.tar:v1', path('/abs/a:b.tar', 'v1')],
  ['app', path('app')],
  ['app:v1', path('app', 'v1')],
  ['example.com/app', path('example.com/app')],
  ['/abs/a:b.tar:app:v1', path('/abs/a:b.tar', 'app:v1')],
  ['./here:v1', path('./here', 'v1')],
  ['app,arch=arm64', name('app,arch=arm64')],
  ['docker:app', name('docker:app')],
];

test('an argument means what it looks like', async (t) => {
  for (const [text, means] of GUESSES) await t.test(text, () => assert.deepEqual(guessArgument(text, locate), means));
});

/** rkt: `guessAppcOrPath`. Regular files exist, directories do not count. */
const RKT: readonly [text: string, means: 'path' | 'name'][] = [
  ['/usr/app', 'path'],
  ['/usr/app:v1', 'path'],
  ['app.aci', 'path'],
  ['example.com/app', 'path'],
  ['my-app:v1', 'name'],
  ['example.com/other:1.0.0', 'name'],
  ['example.com/other:1.0.0,os=linux', 'name'],
  ['other.aci:v1', 'name'],
  ['a/./b:v1', 'name'],
  ['./other', 'path'],
  ['../other', 'path'],
  ['a/./b', 'path'],
  ['a/../b', 'path'],
  ['other.aci', 'path'],
  ['example.com/other.aci', 'path'],
  ['other.ACI', 'name'],
  ['other.tar', 'name'],
  ['other', 'name'],
  ['example.com/other', 'name'],
  ['example.com/other,os=linux', 'name'],
];

test("without a scheme the order is rkt's", async (t) => {
  const isThere: Locate = (text) => (['app.aci', 'example.com/app'].includes(text) ? { path: text } : undefined);
  for (const [text, means] of RKT) await t.test(text, () => assert.equal(guessArgument(text, isThere).kind, means));
  assert.equal(guessArgument('./x:y', isThere).kind, 'path', 'rkt says name, but no name begins with a dot');
});

test('a type overrules the guess', async (t) => {
  const cases: readonly [type: ArgumentType, text: string, means: ImageArgument][] = [
    ['registry', 'app', registry('app')],
    ['registry', 'docker://app:v1', registry('app:v1')],
    ['registry', 'deadbeefcafe', registry('deadbeefcafe')],
    ['oci', 'dir/layout:v1', path('dir/layout', 'v1')],
    ['oci', 'oci:dir/layout', path('dir/layout')],
    ['oci', 'new:v1', path('new', 'v1')],
    ['docker-archive', 'new.tar:app:v1', path('new.tar', 'app:v1')],
    ['aci', 'other', path('other')],
    ['aci', 'https://example.com/x', url('https://example.com/x')],
    ['aci', 'file:///x', path('/x')],
    ['url', 'https://example.com/x', url('https://example.com/x')],
    ['url', 'file:///x', path('/x')],
    ['path', 'other:v1', path('other:v1')],
    ['path', 'app:v1', path('app', 'v1')],
    ['path', 'deadbeefcafe', path('deadbeefcafe')],
    ['path', 'https://example.com/x', path('https://example.com/x')],
    ['name', 'app.aci', name('app.aci')],
    ['name', 'deadbeefcafe', name('deadbeefcafe')],
    ['name', 'oci:v1', name('oci:v1')],
  ];
  for (const [type, text, means] of cases)
    await t.test(`${type} ${text}`, () => assert.deepEqual(guessArgument(text, locate, type), means));
});

test('what begins as a key is one, whatever its type is said to be', () => {
  for (const type of ARGUMENT_TYPES) assert.deepEqual(guessArgument('sha512-ab', locate, type), key('sha512-ab'));
});

test('what can mean nothing is refused', async (t) => {
  const cases: readonly [text: string, code: ErrorCode, message: RegExp, type?: ArgumentType][] = [
    ['sha512-xy', 'ERR_KEY_SYNTAX', /not hexadecimal/],
    ['sha512-a', 'ERR_KEY_TOO_SHORT', /at least 2 digits/],
    ['sha1-ab', 'ERR_KEY_SYNTAX', /keys begin with/],
    ['docker://', 'ERR_NAME_SYNTAX', /not a reference of a registry: "docker:\/\/"/],
    ['docker://App', 'ERR_NAME_SYNTAX', /in lower case/],
    ['docker://host/app@sha256:12', 'ERR_NAME_SYNTAX', /not a reference/],
    ['oci:', 'ERR_NAME_SYNTAX', /needs a path/],
    ['file://', 'ERR_NAME_SYNTAX', /needs a path/],
    ['file:///%zz', 'ERR_NAME_SYNTAX', /begins no escape/],
    ['https://', 'ERR_NAME_SYNTAX', /not a URL/],
    ['https://example.com', 'ERR_NAME_SYNTAX', /names no file/],
    ['https://example.com/dir/?f=app.aci', 'ERR_NAME_SYNTAX', /names no file/],
    ['ftp://example.com/app.aci', 'ERR_NAME_SYNTAX', /ftp:\/\/ is not known; there are docker:\/\//],
    ['app', 'ERR_USAGE', /not a URL: "app"/, 'url'],
    ['https://example.com/app', 'ERR_NAME_SYNTAX', /not a reference/, 'registry'],
  ];
  for (const [text, code, message, type] of cases) {
    await t.test(text, () =>
      assert.throws(
        () => guessArgument(text, locate, type),
        (error: unknown) => isCairnError(error, code) && message.test(error.message),
      ),
    );
  }
});

test('credentials in a URL are refused, and not repeated', () => {
  assert.throws(
    () => guessArgument('https://me:secret@example.com/app.aci', locate),
    (error: unknown) => isCairnError(error, 'ERR_NAME_SYNTAX') && !/me|secret/.test(error.message),
  );
});
