/** References of registries: what is filled in, and which spellings mean the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exactReference,
  formatRegistryReference,
  parseRegistryReference,
  readRegistryReference,
  wireHost,
} from '../../engine/image/oci/registry-reference.js';

const DIGEST = `sha256:${'0'.repeat(64)}`;

test('host, namespace and tag are filled in', () => {
  for (const [text, whole] of [
    ['busybox', 'docker.io/library/busybox:latest'],
    ['docker://busybox:1', 'docker.io/library/busybox:1'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/team/app', 'docker.io/team/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['Example.COM/team/app', 'example.com/team/app:latest'],
    [`example.com/app@${DIGEST}`, `example.com/app@${DIGEST}`],
    [`example.com/app:v1@${DIGEST}`, `example.com/app:v1@${DIGEST}`],
  ] as const) {
    const reference = parseRegistryReference(text);
    assert.equal(formatRegistryReference(reference), whole, text);
    assert.deepEqual(parseRegistryReference(whole), reference, 'read back');
  }
  for (const bad of ['', 'https://example.com/app', 'example.com/App', 'app:', 'app@sha256:0', '/app', 'a b'])
    assert.throws(() => parseRegistryReference(bad), { code: 'ERR_NAME_SYNTAX' }, bad);
  assert.equal(readRegistryReference('docker://busybox'), undefined);
});

test('beside a digest a tag says nothing, and without either it is latest', () => {
  const exact = (text: string): string => {
    const reference = readRegistryReference(text);
    assert.ok(reference !== undefined);
    return formatRegistryReference(exactReference(reference));
  };
  assert.equal(exact('a.org/b'), 'a.org/b:latest');
  assert.equal(exact('a.org/b:c'), 'a.org/b:c');
  assert.equal(exact(`a.org/b:c@${DIGEST}`), `a.org/b@${DIGEST}`);
});

test("Docker Hub's API is on another host than its name says", () => {
  assert.equal(wireHost('docker.io'), 'registry-1.docker.io');
  assert.equal(wireHost('example.com'), 'example.com');
});
