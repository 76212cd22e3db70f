/** Writes a build as an App Container Image, to the store or to a file. */

import { deleteSmall, discard } from '../content/delete.js';
import { CairnError } from '../core/errors.js';
import { keyOfHex } from '../core/key.js';
import { compressionByName, refuseOtherArchive } from '../export/archive-names.js';
import { editManifest, listIn, UNNAMED, withLists } from '../image/aci/edit-manifest.js';
import type { ImageManifest } from '../image/aci/manifest.js';
import { parseAppString } from '../image/aci/names.js';
import { aciManifestFrom } from '../image/convert/oci-to-aci.js';
import type { JsonObject } from '../image/json.js';
import { type Label, labelMap } from '../image/label.js';
import { parseLayoutName } from '../image/oci/reference.js';
import { changedEntries, removedPaths } from '../plan/diff.js';
import { destinationOf, publish, withOutput } from '../session/destination.js';
import { type AciParts, layerOnBase, squashed, withNewPaths } from './aci-tree.js';
import type { Difference } from './difference.js';
import { checkConfig, checkManifest, encodeDocument, type WorkingImage } from './documents.js';
import { clamped, formatSourceDate } from './source-date.js';
import { sizeOfTar, treeTar } from './tree-source.js';
import { importRequest, NO_OBJECTS, type Writing, type WrittenImage } from './writing.js';

export async function writeAci(writing: Writing, working: WorkingImage, difference: Difference): Promise<WrittenImage> {
  const { store, options } = writing;
  const manifest = named(writing, manifestOf(writing, working));
  const parts = partsOf(writing, manifest, difference);
  const dated = withDate(parts.manifest, options.sourceDate);
  const checked = checkManifest(dated, store.limits);
  if (checked.app !== undefined && checked.app.exec.length === 0) store.notice('the exec command was never set');
  const entries = parts.entries.map((each) => ({ ...each, entry: clamped(each.entry, options.sourceDate) }));
  const tree = treeTar(store, writing.place.rootfs, entries, encodeDocument(dated));
  const { changed, removed } = parts;
  if (options.file !== undefined) return { ...(await toFile(writing, tree, checked)), changed, removed };
  const source = {
    source: options.name ?? checked.name,
    open: async () => ({ kind: 'aci', source: { tree }, size: sizeOfTar(tree), fingerprint: undefined }) as const,
  };
  const imported = await writing.importSource(source, importRequest(writing));
  const { key, name, labels, size, objects, existed } = imported;
  return { key, name, labels, format: 'aci', size, objects, existed, changed, removed };
}

async function toFile(
  { store, options }: Writing,
  tree: ReturnType<typeof treeTar>,
  { name, labels }: ImageManifest,
): Promise<Omit<WrittenImage, 'changed' | 'removed'>> {
  const { file = '-', signal, force = false } = options;
  const shown = typeof file === 'string' ? file : '-';
  const compress = options.compress ?? compressionByName(shown) ?? 'none';
  refuseOtherArchive(shown);
  const target = destinationOf(store, file, 'file', force);
  const isMoved = target.kind === 'file';
  try {
    const task = { ...tree, compress } as const;
    const { sha512, size } = await withOutput(target, signal, (output) =>
      store.pool.ask('export-tree', { ...task, output }, { signal }),
    );
    if (isMoved) await publish(target);
    const key = keyOfHex(sha512);
    return {
      key,
      name,
      labels: labelMap(labels),
      format: 'aci',
      size,
      objects: NO_OBJECTS,
      existed: false,
      file: shown,
    };
  } finally {
    if (isMoved) await discard(store, [target.scratch], deleteSmall);
  }
}

function manifestOf({ options, store }: Writing, working: WorkingImage): JsonObject {
  if (working.format === 'aci') return working.manifest;
  if (options.name === undefined) throw new CairnError('ERR_USAGE', 'an ACI needs a name: --name NAME');
  return aciManifestFrom(checkConfig(working.config, store.limits), parseLayoutName(options.name));
}

/** An ACI is named by its manifest. */
function named({ options }: Writing, manifest: JsonObject): JsonObject {
  if (options.name === undefined) {
    if (manifest['name'] !== UNNAMED) return manifest;
    const why = 'its name was never set: "cairn build set-name" sets it, and so does --name';
    throw new CairnError('ERR_USAGE', `cannot write the ACI, ${why}`);
  }
  const { name, labels } = parseAppString(options.name);
  const others = listIn(manifest, 'labels').filter((label) => !labels.some((each) => each.name === label['name']));
  return withLists(manifest, { name, labels: [...(others as unknown as Label[]), ...labels] });
}

function partsOf(writing: Writing, manifest: JsonObject, difference: Difference): AciParts {
  const { store, state, options } = writing;
  const changes = {
    before: { entries: difference.before },
    after: { entries: difference.after.map(({ entry }) => entry) },
  };
  if (options.as === 'layer') return layerOnBase(writing, manifest, difference);
  const counts = {
    changed: changedEntries(changes.before, changes.after).length,
    removed: removedPaths(changes.before, changes.after).length,
  };
  const entries = difference.all();
  if (options.as === 'squash') return { ...squashed(writing, manifest, entries), ...counts };
  return {
    manifest:
      state.base === undefined ? manifest : withNewPaths(manifest, checkManifest(manifest, store.limits), difference),
    entries,
    ...counts,
  };
}

/** The date that a manifest says its image was made on is no later than that of the source. */
function withDate(manifest: JsonObject, sourceDate: number | undefined): JsonObject {
  if (sourceDate === undefined) return manifest;
  const created = listIn(manifest, 'annotations').find(({ name }) => name === 'created')?.['value'];
  if (typeof created !== 'string' || !(Date.parse(created) > sourceDate * 1000)) return manifest;
  return editManifest(manifest, { add: 'annotation', name: 'created', value: formatSourceDate(sourceDate) });
}
