/** Reads the `manifest.json` of a `docker save` archive. */
import type { Limits } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { parseJson } from '../json.js';
import { JsonField } from '../json-field.js';

/** One image of a `docker save` archive. */
export interface DockerImage {
  /** The name of the member that holds the configuration. */
  config: string;
  /** Names, `busybox:latest`, as they stand there. */
  repoTags: string[];
  /** The names of the members that hold the layers, the lowest first. */
  layers: string[];
}

const DOCUMENT = 'manifest.json';

/**
 * Reads a `manifest.json`. There is no spec: the format is what Docker writes.
 *
 * Names of members must be relative, clean and without `..`. They are looked up among the members of the same archive
 * and nowhere else, but no honest archive has another name.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), else `ERR_BAD_MANIFEST`;
 *   `entry` is `manifest.json: ` and the path to the fault such as `[0].Layers[1]`
 */
export function parseDockerManifest(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): DockerImage[] {
  const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits));
  if (root.absent) throw root.fault('must be a list');
  return root.items().map((image) => ({
    config: readMemberName(image.exactField('Config')),
    repoTags: image
      .exactField('RepoTags')
      .items()
      .map((tag) => tag.text()),
    layers: image.exactField('Layers').items().map(readMemberName),
  }));
}

function readMemberName(field: JsonField): string {
  const name = field.text();
  if (name.includes('\0') || name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw field.fault(`not the name of a member: ${quoted(name)} (must be relative and clean)`);
  }
  return name;
}
