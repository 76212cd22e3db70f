/** Hostile names and labels. They are search terms: some break the grammar, others look like paths and are none. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aci, manifest, tar } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import { canaries, type HostileCase, hostile, makePlace, OCI, type Verdict } from '../fixtures/hostile.js';

const badManifest = (why: RegExp, entry: string): Verdict => ({ code: 'ERR_BAD_MANIFEST', why, entry });
const named = (name: string): Buffer => aci({ name });
const labelled = (...labels: { name: string; value: unknown }[]): Buffer =>
  aci({ name: 'example.com/a', more: { labels } });

hostile('names that are refused', [
  ...[
    '../../outside/secret',
    '/etc/passwd',

    'a/',
    '.',
    '',
    'A',
    'a b',
    'a\0b',
    'a\nb',
    'é',
    '__proto__',
  ].map(
    (name): HostileCase => [
      `the name ${JSON.stringify(name)}`,
      named(name),
      badManifest(/ACIdentifier/, 'manifest: name'),
    ],
  ),
  ['a name that is no text', aci({ name: 'a', more: { name: ['a'] } }), badManifest(/string/, 'manifest: name')],
  ...['../x', '/x', '', 'A', 'a b', '__proto__'].map(
    (name): HostileCase => [
      `the label ${JSON.stringify(name)}`,
      labelled({ name, value: 'x' }),
      badManifest(/ACIdentifier/, 'manifest: labels[0].name'),
    ],
  ),
  [
    'two labels of one name',
    labelled({ name: 'version', value: '1' }, { name: 'version', value: '2' }),
    badManifest(/version/, 'manifest: labels'),
  ],
  ['a label of no text', labelled({ name: 'version', value: 1 }), badManifest(/string/, 'manifest: labels[0].value')],
  [
    'a dependency that leads elsewhere',
    aci({ name: 'example.com/a', dependencies: [{ imageName: '../../outside/secret' }] }),
    badManifest(/ACIdentifier/, 'manifest: dependencies[0].imageName'),
  ],
  [
    'a dependency whose key leads elsewhere',
    aci({ name: 'example.com/a', dependencies: [{ imageName: 'a', imageID: 'sha512-../../outside/secret' }] }),
    badManifest(/sha512|key|hexadecimal/, 'manifest: dependencies[0].imageID'),
  ],
  [
    'a manifest with two names',
    aci(manifest({ name: 'example.com/a' }).replace('{', '{"name":"b",')),
    { code: 'ERR_BAD_MANIFEST', why: /name/ },
  ],
]);

/** A valid name, also to appc's own tools. */
const NAME = 'outside/../../outside/secret';

test('a name is never used as a path', async (t) => {
  const place = makePlace(t);
  const { store, dir, outside } = place;
  const version = '../../../outside/secret';
  const source = join(dir, 'archives', 'a.aci');
  fs.writeFileSync(source, aci({ name: NAME, labels: { version } }, [{ name: 'f', content: 'inside' }]));
  const layout = OCI.write(join(dir, 'archives'), 'layout', tar([{ name: 'f', content: 'inside' }]));
  const before = canaries(place);
  const ok = async (...args: string[]): Promise<void> => {
    const ran = await cairn(args, { store, cwd: outside });
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
  };
  await ok('import', source);
  await ok('import', '--name', 'outside/secret:v1', layout);
  for (const name of [`${NAME}:${version}`, 'outside/secret:v1']) {
    for (const verb of ['inspect', 'render', 'cat-manifest', 'check', 'pin', 'unpin', 'files']) await ok(verb, name);
    await ok('export', name, '-');
    await ok('rm', name);
  }
  for (const name of ['../../outside/secret', '/etc/../etc/x', `${outside}/nothing:v1`]) {
    const ran = await cairn(['import', '--json', '--name', name, layout], { store });
    assert.deepEqual([ran.error().code, ran.code], ['ERR_NAME_SYNTAX', 1]);
  }
  assert.deepEqual((await cairn(['ls', '--json'], { store })).json<never>(), []);
  assert.deepEqual(canaries(place), before);
});
