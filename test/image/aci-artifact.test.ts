/** An ACI as an artifact of registries: written, read back, refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import type { Key } from '../../engine/core/key.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { type AciArtifact, parseAciArtifact, writeAciArtifact } from '../../engine/image/aci/artifact.js';

const key = (digit: string): Key => `sha512-${digit.repeat(128)}`;
const DIGEST = `sha256:${'e'.repeat(64)}`;
const ARTIFACT: AciArtifact = {
  key: key('a'),
  dependencies: [key('b'), key('c')],
  archive: { digest: DIGEST, size: 7 },
};

const changed = (change: (document: Record<string, unknown>) => void): Buffer => {
  const document = JSON.parse(writeAciArtifact(ARTIFACT, DIGEST).toString());
  change(document);
  return Buffer.from(JSON.stringify(document));
};

test('it is read as it was written', () => {
  assert.deepEqual(parseAciArtifact(writeAciArtifact(ARTIFACT, DIGEST), DEFAULT_LIMITS), ARTIFACT);
  const alone = { ...ARTIFACT, dependencies: [] };
  assert.deepEqual(parseAciArtifact(writeAciArtifact(alone, DIGEST), DEFAULT_LIMITS), alone);
});

test('another manifest is none', () => {
  assert.equal(
    parseAciArtifact(
      changed((document) => delete document['artifactType']),
      DEFAULT_LIMITS,
    ),
    undefined,
  );
});

test('a wrong one is refused', () => {
  for (const change of [
    (document: Record<string, unknown>) => Object.assign(document, { annotations: { 'cairn-store.key': 'sha512-ab' } }),
    (document: Record<string, unknown>) => Object.assign(document, { annotations: undefined }),
    (document: Record<string, unknown>) => Object.assign(document, { layers: [] }),
    (document: Record<string, unknown>) =>
      Object.assign(document, { layers: [{ digest: 'sha256:../../etc', size: 1 }] }),
    (document: Record<string, unknown>) => Object.assign(document, { layers: [{ digest: DIGEST, size: -1 }] }),
    (document: Record<string, unknown>) =>
      Object.assign(document, { layers: [{ digest: DIGEST }, { digest: DIGEST }] }),
  ])
    assert.throws(
      () => parseAciArtifact(changed(change), DEFAULT_LIMITS),
      (error) => isCairnError(error, 'ERR_BAD_MANIFEST'),
    );
});
