/** References and platforms: names of images, and the choice of one among several. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Descriptor, Platform } from '../../engine/image/oci/documents.js';
import { formatPlatform, hostPlatform, parsePlatform, pickPlatform } from '../../engine/image/oci/platform.js';
import { formatReference, isReference, parseReference, type Reference } from '../../engine/image/oci/reference.js';
import { tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

const DIGEST = `sha256:${'0f'.repeat(32)}`;

describe('references', () => {
  const accepted: Record<string, Reference> = {
    busybox: { name: 'busybox' },
    'busybox:1.36': { name: 'busybox', tag: '1.36' },
    [`busybox@${DIGEST}`]: { name: 'busybox', digest: DIGEST },
    [`quay.io/a/b:T_a.g@${DIGEST}`]: { name: 'quay.io/a/b', tag: 'T_a.g', digest: DIGEST },
    'localhost:5000': { name: 'localhost', tag: '5000' },
    'localhost:5000/a': { name: 'localhost:5000/a' },
    'Registry.Example.COM:443/a__b/c---d:x': { name: 'Registry.Example.COM:443/a__b/c---d', tag: 'x' },
    '[::1]:5000/a': { name: '[::1]:5000/a' },
    'Host/case': { name: 'Host/case' },
    'v1.0': { name: 'v1.0' },
    Latest_1: { name: 'Latest_1' },
    [`a:${'t'.repeat(128)}`]: { name: 'a', tag: 't'.repeat(128) },
    ['a'.repeat(255)]: { name: 'a'.repeat(255) },
  };
  for (const [text, reference] of Object.entries(accepted)) {
    test(`accepts ${text.slice(0, 60)}`, () => {
      assert.deepEqual(parseReference(text), reference);
      assert.equal(formatReference(reference), text);
      assert.ok(isReference(text));
    });
  }

  const refused = [
    '',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/../b',
    'a..b/c..d',
    'a/B',
    'a___b/c___d',
    'a/Upper/case',
    'Latest_1:v1',
    '-tag',
    'a:',
    'a:.tag',
    'a:b:c',
    `a:${'t'.repeat(129)}`,
    'a b',
    'a\n',
    'bäckerei',
    'a@sha256:0f',
    `a@${DIGEST.toUpperCase()}`,
    `a@sha512:${'0f'.repeat(64)}`,
    'a'.repeat(256),
    'a-'.repeat(100_000),
  ];
  for (const text of refused) {
    test(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.throws(() => parseReference(text), { code: 'ERR_NAME_SYNTAX' });
      assert.ok(!isReference(text));
    });
  }
});

describe('platforms', () => {
  test('of the host, in the words of Go', () => {
    assert.deepEqual(hostPlatform('x64', 'linux'), { os: 'linux', architecture: 'amd64' });
    assert.deepEqual(hostPlatform('arm64', 'darwin'), { os: 'darwin', architecture: 'arm64' });
    assert.deepEqual(hostPlatform('arm', 'linux'), { os: 'linux', architecture: 'arm', variant: 'v7' });
    assert.deepEqual(hostPlatform('ia32', 'win32'), { os: 'windows', architecture: '386' });
  });

  test('as people type them', () => {
    assert.deepEqual(parsePlatform('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v7' });
    assert.deepEqual(parsePlatform('Linux/x86_64'), { os: 'linux', architecture: 'amd64' });
    assert.equal(formatPlatform(parsePlatform('linux/arm/v7')), 'linux/arm/v7');
    for (const text of ['', 'linux', 'linux/', '/amd64', 'linux/arm/', 'linux/arm/v7/x', 'linux/a b', '../..']) {
      assert.throws(() => parsePlatform(text), { code: 'ERR_USAGE' }, text);
    }
  });

  const offers = (...platforms: (string | undefined)[]): Descriptor[] =>
    platforms.map((text, size) => {
      const platform: { platform?: Platform } = text === undefined ? {} : { platform: parsePlatform(text) };
      return { mediaType: 'a/b', digest: DIGEST, size, annotations: {}, ...platform };
    });

  const cases: [wanted: string, offered: (string | undefined)[], picked: number | undefined][] = [
    ['linux/amd64', ['linux/arm64', 'linux/amd64', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/arm64', 'windows/amd64'], undefined],
    ['linux/arm/v6', ['linux/arm', 'linux/arm/v7', 'linux/arm/v6'], 2],
    ['linux/arm/v6', ['linux/arm/v7', 'linux/arm'], 1],
    ['linux/arm/v6', ['linux/arm/v7'], undefined],
    ['linux/arm', ['linux/arm/v6', 'linux/arm/v7'], 1],
    ['linux/arm', ['linux/arm/v6'], 0],
    ['linux/arm64', ['linux/arm64/v9', 'linux/arm64/v8'], 1],
    ['linux/arm64/v8', ['linux/arm64'], 0],
    ['linux/amd64', ['linux/amd64/v3', 'linux/amd64'], 1],
    ['linux/amd64', [undefined], 0],
    ['linux/amd64', [undefined, 'linux/amd64'], 1],
    ['linux/amd64', [undefined, undefined], undefined],
    ['linux/amd64', [undefined, 'unknown/unknown'], 0],
    ['unknown/unknown', ['unknown/unknown'], undefined],
    ['linux/amd64', [], undefined],
  ];
  for (const [wanted, offered, picked] of cases) {
    test(`${wanted} among ${offered.map((each) => each ?? 'any').join(' ')}`, () => {
      assert.equal(pickPlatform(offers(...offered), parsePlatform(wanted))?.size, picked);
    });
  }
});

test('a name that an import asks for means that image from then on', async (t) => {
  const s = new TestStore(t);
  for (const which of ['one', 'two']) {
    ociLayout(s.path(which), [{ ref: `example.com/${which}:v1`, layers: [tar([{ name: 'which', content: which }])] }]);
  }
  const which = async (name: string): Promise<string> => (await s.ok(['cat', name, 'which'])).stdout.toString();
  for (const source of ['one', 'two', 'one']) {
    const [told] = await s.json<[Json]>(['import', s.path(source), '--name', 'app:stable']);
    assert.equal(told['name'], 'app');
    assert.equal(await which('app:stable'), source);
    assert.equal(await which('app'), source);
  }
  await s.ok(['import', s.path('two'), '--name', 'app']);
  assert.deepEqual([await which('app'), await which('app:latest'), await which('app:stable')], ['two', 'two', 'one']);
  // An image that comes without a name takes no image's name away.
  await s.ok(['import', s.path('one')]);
  assert.equal(await which('app'), 'two');
  const named = (await s.json<Json[]>(['ls'])).flatMap((image) => image['names']).sort();
  assert.deepEqual(named, ['app:latest', 'app:stable', 'example.com/one:v1']);
  // The same holds for a new index.
  await s.ok(['fsck', '--rebuild-index']);
  assert.deepEqual([await which('app'), await which('app:stable')], ['two', 'one']);
  await s.ok(['rm', 'app:stable']);
  await s.refused(['cat', 'app:stable', 'which'], 'ERR_NOT_FOUND', 3);
});

test('a reference by a digest that is not here is simply not here', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('one'), [{ ref: 'app:v1', layers: [tar([{ name: 'f', content: 'f' }])] }]);
  await s.ok(['import', s.path('one')]);
  await s.refused(['inspect', `app@${DIGEST}`], 'ERR_NOT_FOUND', 3);
  // The name is longer than any file name.
  await s.refused(['inspect', `example.com/${'a'.repeat(300)}`], 'ERR_NOT_FOUND', 3);
});
