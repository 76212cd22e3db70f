/**
 * An ACI as an artifact of an OCI registry (OCI image spec 1.1, image manifest, "Guidelines for Artifact Usage"): the
 * archive is its one layer. The key of the image, and those of its dependencies, stand in annotations, so that a store
 * that gets it can ask for these.
 */
import { CairnError } from '../../core/errors.js';
import { isKey, type Key } from '../../core/key.js';
import { type Limits, MAX_DESCRIPTORS } from '../../core/limits.js';
import { parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import { OCI_MANIFEST } from '../oci/media-types.js';

export const ACI_ARTIFACT = 'application/vnd.appc.aci.v1';
const EMPTY_CONFIG = 'application/vnd.oci.empty.v1+json';
const ACI_LAYER = 'application/vnd.appc.aci.layer.v1.tar';
const KEY = 'cairn-store.key';
const DEPENDENCIES = 'cairn-store.dependencies';

/** The configuration that artifacts have. */
export const EMPTY = Buffer.from('{}');

export interface AciArtifact {
  key: Key;
  dependencies: Key[];
  archive: { digest: string; size: number };
}

/**
 * @param emptyDigest of {@link EMPTY}
 * @param compression what the archive's media type says
 */
export function writeAciArtifact(
  { key, dependencies, archive }: AciArtifact,
  emptyDigest: string,
  compression: '' | '+gzip' = '+gzip',
): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: ACI_ARTIFACT,
      config: { mediaType: EMPTY_CONFIG, digest: emptyDigest, size: EMPTY.length },
      layers: [{ mediaType: `${ACI_LAYER}${compression}`, ...archive }],
      annotations: { [KEY]: key, [DEPENDENCIES]: dependencies.join(' ') },
    }),
  );
}

/**
 * @returns `undefined` for the manifest of anything else
 * @throws CairnError `ERR_BAD_MANIFEST`, `ERR_LIMIT`
 */
export function parseAciArtifact(
  bytes: Uint8Array,
  limits: Pick<Limits, 'maxManifest' | 'maxDependencies'>,
): AciArtifact | undefined {
  const root = new JsonField('manifest of an ACI', parseJson(bytes, 'manifest', limits));
  if (root.exactField('artifactType').text() !== ACI_ARTIFACT) return undefined;
  const annotations = root.exactField('annotations');
  const dependencies = annotations.exactField(DEPENDENCIES).text().split(' ').filter(Boolean);
  if (dependencies.length > limits.maxDependencies)
    throw new CairnError('ERR_LIMIT', `an ACI of ${dependencies.length} dependencies`);
  const [layer, ...more] = root.exactField('layers').items(MAX_DESCRIPTORS);
  if (layer === undefined || more.length > 0) throw root.exactField('layers').fault('must be one archive');
  const digest = layer.exactField('digest').text();
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw layer.exactField('digest').fault('must be one of sha256');
  return {
    key: keyIn(annotations.exactField(KEY), annotations.exactField(KEY).text()),
    dependencies: dependencies.map((each) => keyIn(annotations.exactField(DEPENDENCIES), each)),
    archive: { digest, size: layer.exactField('size').integer(0, Number.MAX_SAFE_INTEGER) },
  };
}

function keyIn(field: JsonField, text: string): Key {
  if (isKey(text)) return text;
  throw field.fault('must be a key');
}
