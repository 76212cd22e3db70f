/** Names, labels and app strings of appc. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CairnError } from '../../engine/core/errors.js';
import { quoted } from '../../engine/core/printable.js';
import {
  acIdentifierFault,
  acNameFault,
  formatAppString,
  isACIdentifier,
  isACName,
  labelsFault,
  parseAppString,
} from '../../engine/image/aci/names.js';
import type { Label } from '../../engine/image/label.js';

const EDGES = ['/', '-', '.', '_', '~'];

const GOOD_NAMES = ['a', '0', 'app', 'my-app', 'a--b', 'app-1', 'database'];
const GOOD_IDENTIFIERS = [
  ...GOOD_NAMES,
  'zab_rab_oof',
  'my~database',
  'example.com/database',
  'example.com/~bob/database',
  'example.com/app/release-1.0.0',
  'a..b',
  'a//b',
  'a/../b',
  'sha512-abc',
  'a'.repeat(4096),
];
const BAD_IDENTIFIERS: readonly [text: string, rule: RegExp][] = [
  ['', /cannot be empty/],
  ...['BAR', 'foo#', 'a b', 'a:b', 'a,b', 'é', 'a\n', 'a\0b', 'ſ', 'a\\b'].map((text): [string, RegExp] => [
    text,
    /only lower case alphanumeric characters plus "-\._~\/"$/,
  ]),
  ...EDGES.flatMap((edge) => [`${edge}app`, `app${edge}`, edge]).map((text): [string, RegExp] => [
    text,
    /must start and end with/,
  ]),
];

test('an AC identifier is what the reference check accepts', async (t) => {
  for (const text of GOOD_IDENTIFIERS) {
    await t.test(`accepts ${quoted(text)}`, () => {
      assert.equal(acIdentifierFault(text), undefined);
      assert.equal(isACIdentifier(text), true);
    });
  }
  for (const [text, rule] of [...BAD_IDENTIFIERS, ['a'.repeat(4097), /longer than 4096 bytes/] as const]) {
    await t.test(`refuses ${quoted(text)}`, () => {
      assert.match(acIdentifierFault(text) ?? '', rule);
      assert.equal(isACIdentifier(text), false);
    });
  }
});

test('an AC name has no separator but the hyphen', async (t) => {
  for (const text of GOOD_NAMES) {
    await t.test(`accepts ${quoted(text)}`, () => {
      assert.equal(acNameFault(text), undefined);
      assert.equal(isACName(text), true);
    });
  }
  for (const text of [...BAD_IDENTIFIERS.map(([bad]) => bad), 'example.com', 'example/database', 'app_1', 'a~b']) {
    await t.test(`refuses ${quoted(text)}`, () => assert.equal(isACName(text), false));
  }
  assert.match(acNameFault('') ?? '', /ACName cannot be empty/);
  assert.match(acNameFault('app_1') ?? '', /plus "-"$/);
  assert.match(acNameFault('-app') ?? '', /must start and end with/);
});

function labels(map: Record<string, string>): Label[] {
  return Object.entries(map).map(([name, value]) => ({ name, value }));
}

test('labels are unique, well named, and fit their system', async (t) => {
  const cases: readonly [what: string, list: Label[], fault: RegExp | undefined][] = [
    ['no labels', [], undefined],
    ['free labels', labels({ version: '1.0.0', channel: '', 'example.com/x': 'ÿ' }), undefined],
    ['a long value', labels({ a: 'é'.repeat(2048) }), undefined],
    ['a longer value', labels({ a: 'é'.repeat(2049) }), /^a label's value is longer than 4096 bytes$/],
    ['a label called name', labels({ name: 'x' }), /^invalid label name: "name"$/],
    ['a label outside the grammar', labels({ Version: '1' }), /ACIdentifier must contain only/],
    ['an empty label name', labels({ '': '1' }), /cannot be empty/],
    ['duplicates', [...labels({ os: 'linux' }), ...labels({ os: 'linux' })], /^duplicate labels of name "os"$/],
    ['arch alone', labels({ arch: 'pdp11' }), undefined],
    ['os alone', labels({ os: 'darwin' }), undefined],
    [
      'an unknown os',
      labels({ os: 'OS/360', arch: 'S/360' }),
      /^bad os "OS\/360" \(must be one of: \[darwin freebsd linux\]\)$/,
    ],
    ['an os in the wrong case', labels({ os: 'Linux' }), /^bad os/],
  ];
  for (const [what, list, fault] of cases) {
    await t.test(what, () => {
      const found = labelsFault(list);
      if (fault === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', fault);
    });
  }

  const architectures: readonly [os: string, good: string, bad: string][] = [
    [
      'linux',
      'amd64 i386 aarch64 aarch64_be armv6l armv7l armv7b ppc64 ppc64le s390x',
      'arm64 arm64_be arm ppc64l ppc64b ppc64be S390x x86_64',
    ],
    ['freebsd', 'amd64 i386 arm', 'armv7b aarch64'],
    ['darwin', 'x86_64 i386', 'amd64'],
  ];
  for (const [os, good, bad] of architectures) {
    await t.test(`architectures of ${os}`, () => {
      for (const arch of good.split(' ')) assert.equal(labelsFault(labels({ arch, os })), undefined, arch);
      for (const arch of bad.split(' ')) {
        assert.match(labelsFault(labels({ os, arch })) ?? '', new RegExp(`^bad arch "${arch}" for ${os} `));
      }
    });
  }
});

test('an app string is a name, a version and labels', async (t) => {
  const cases: readonly [text: string, name: string, found: Record<string, string>][] = [
    ['example.com/reduce-worker', 'example.com/reduce-worker', {}],
    ['example.com/reduce-worker:1.0.0', 'example.com/reduce-worker', { version: '1.0.0' }],
    ['example.com/app,channel=alpha,label=value', 'example.com/app', { channel: 'alpha', label: 'value' }],
    [
      "example.com/app:1.2.3,special=!*'();@&+$/?#[],channel=beta",
      'example.com/app',
      { version: '1.2.3', special: "!*'();@&+$/?#[]", channel: 'beta' },
    ],
    ['app,version=2', 'app', { version: '2' }],
    ['app:', 'app', { version: '' }],
    ['app,a=', 'app', { a: '' }],
    ['app,a=b=c', 'app', { a: 'b=c' }],
    ['app,a=x%2Cy%3Az%25', 'app', { a: 'x,y:z%' }],
    ['app,a=%C3%A9+1', 'app', { a: 'é+1' }],
    ['app:100%,a=%8 939%', 'app', { version: '100%', a: '%8 939%' }],
    ['app,a=%FF', 'app', { a: '%FF' }],
    ['app,os=plan9', 'app', { os: 'plan9' }],
  ];
  for (const [text, name, found] of cases) {
    await t.test(`reads ${quoted(text)}`, () => {
      assert.deepEqual(parseAppString(text), { name, labels: labels(found) });
    });
  }

  const faults: readonly [text: string, rule: RegExp][] = [
    ['', /cannot be empty/],
    ['not an app name', /must contain only lower case/],
    ['example.com/garbage%8 939', /must contain only lower case/],
    ['example.com/app%41', /must contain only lower case/],
    ['/app', /must start and end/],
    [':1.0', /cannot be empty/],
    ['example.com/app:3.2.1,version=1.2.3', /label "version" with multiple values/],
    ['foo.com/bar,channel=alpha,dog=woof,channel=beta', /label "channel" with multiple values/],
    ['app,name=other', /invalid label name: "name"/],
    ['host:5000/app:1', /colon may appear at most once/],
    ['app,a=b:c', /colon may appear only right after the app name/],
    ['app:1,a=b:c', /colon may appear only right after the app name/],
    ['app,', /label without a value/],
    ['app,channel', /label without a value: "channel"/],
    ['app,,a=b', /label without a value/],
    ['app,=b', /label "": ACIdentifier cannot be empty/],
    ['app,Channel=b', /label "Channel": ACIdentifier must contain only/],
    ['app,%61=b', /must contain only lower case/],
  ];
  for (const [text, rule] of faults) {
    await t.test(`refuses ${quoted(text)}`, () => {
      assert.throws(
        () => parseAppString(text),
        (error) => error instanceof CairnError && error.code === 'ERR_NAME_SYNTAX' && rule.test(error.message),
      );
    });
  }
});

test('a formatted app string starts with the version', () => {
  assert.equal(formatAppString('app', []), 'app');
  assert.equal(formatAppString('app', labels({ os: 'linux', version: '1.0' })), 'app:1.0,os=linux');
  assert.equal(formatAppString('app', labels({ a: 'x,y:z', b: '100% %41' })), 'app,a=x%2Cy%3Az,b=100% %2541');
});

test('a formatted app string reads back as the same labels, whatever their values', () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('%', '2', '5', 'C', '3', 'A', ',', ':', '+', '=', 'é') }),
  );
  fc.assert(
    fc.property(value, value, (version, other) => {
      const list = labels({ version, other });
      assert.deepEqual(parseAppString(formatAppString('example.com/app', list)), {
        name: 'example.com/app',
        labels: list,
      });
    }),
  );
});

test('foreign text in a message is short and cannot drive a terminal', () => {
  assert.equal(quoted('\u001b[31m\u202e\u009b'), '"\\u001b[31m\\x202e\\x9b"');
  assert.ok(quoted('x'.repeat(2 ** 20)).length < 100);
});
