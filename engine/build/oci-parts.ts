/** What an OCI image of a build consists of: its configuration, its base, and one layer. */
import type { TreeTar } from '../../workers/tasks/parts.js';
import { readBlob } from '../content/read-blob.js';
import type { Key } from '../core/key.js';
import { ociConfigFrom } from '../image/convert/aci-to-oci.js';
import type { JsonObject, JsonValue } from '../image/json.js';
import { parseConfig } from '../image/oci/documents.js';
import { withConfigFields } from '../image/oci/edit-config.js';
import { hostPlatform } from '../image/oci/platform.js';
import type { ImageRecord } from '../index/records.js';
import { baseLayer, layerBetween, removedPaths } from '../plan/diff.js';
import type { StoreContext } from '../session/context.js';
import { baseImage, squashed } from './aci-tree.js';
import type { Difference } from './difference.js';
import { checkConfig, checkManifest, encodeDocument, type WorkingImage, type WorkingOci } from './documents.js';
import { clamped, formatSourceDate } from './source-date.js';
import { type SourceEntry, treeTar } from './tree-source.js';
import type { Writing } from './writing.js';

export interface OciParts {
  working: WorkingOci;
  /** The image whose layers come first. */
  base: ImageRecord | undefined;
  /** The layer on top of them; `undefined` where nothing has changed. */
  tree: TreeTar | undefined;
  changed: number;
  removed: number;
}

export function ociPartsOf(writing: Writing, working: WorkingImage, difference: Difference): OciParts {
  const { state, options } = writing;
  if (working.format === 'aci') return converted(writing, working.manifest, difference);
  const isLayer = options.as === 'layer' || (options.as === undefined && state.base !== undefined);
  if (!isLayer) return wholeTree(writing, working, difference.all());
  const base = baseImage(writing);
  const before = { entries: difference.before };
  const after = { entries: difference.after.map(({ entry }) => clamped(entry, options.sourceDate)) };
  const inodes = new Map(difference.after.map(({ entry, inode }) => [entry.path, inode]));
  const layer = layerBetween(before, after);
  const entries = layer.map((entry) => ({ entry, inode: inodes.get(entry.path) }));
  const removed = removedPaths(before, after).length;
  const tree = layer.length === 0 ? undefined : treeTar(writing.store, writing.place.rootfs, entries);
  return { working, base, tree, changed: layer.length - removed, removed };
}

/** An OCI image depends on nothing, so that what an ACI depends on becomes part of it. */
function converted(writing: Writing, manifest: JsonObject, difference: Difference): OciParts {
  const { store } = writing;
  if (writing.options.as === 'layer') baseImage(writing);
  const whole = squashed(writing, manifest, difference.all());
  const host = hostPlatform(process.arch, process.platform);
  const config = ociConfigFrom(checkManifest(whole.manifest, store.limits), [], undefined, host);
  return wholeTree(writing, { format: 'oci', config, annotations: {} }, whole.entries);
}

function wholeTree({ store, place, options }: Writing, working: WorkingOci, entries: readonly SourceEntry[]): OciParts {
  const dated = entries.map((each) => ({ ...each, entry: clamped(each.entry, options.sourceDate) }));
  baseLayer({ entries: dated.map(({ entry }) => entry) });
  return { working, base: undefined, tree: treeTar(store, place.rootfs, dated), changed: entries.length, removed: 0 };
}

/** The configuration with its layers, its date, and one more step of its history. */
export function configOf(
  { options, store }: Writing,
  { working, base, tree }: OciParts,
  diffIds: readonly string[],
): Buffer {
  const { sourceDate, createdBy = 'cairn build write', comment } = options;
  const created = sourceDate === undefined ? undefined : formatSourceDate(sourceDate);
  const step: Record<string, JsonValue | undefined> = {
    created,
    created_by: createdBy,
    comment,
    empty_layer: tree === undefined ? true : undefined,
  };
  const history = [...(base === undefined ? [] : historyOf(working.config, base)), step];
  const config = withConfigFields(working.config, {
    created,
    rootfs: { type: 'layers', diff_ids: [...diffIds] },
    history: JSON.parse(JSON.stringify(history)) as JsonValue,
  });
  checkConfig(config, store.limits);
  return encodeDocument(config);
}

/** A history must have a step for each layer. Where the base's has not, each layer gets one that says nothing. */
function historyOf({ history }: JsonObject, { layers }: ImageRecord): JsonValue[] {
  const steps = Array.isArray(history) ? (history as JsonObject[]) : [];
  const made = steps.filter((step) => step['empty_layer'] !== true).length;
  return made === layers.length ? steps : layers.map(() => ({}));
}

export function baseDiffIds(store: StoreContext, { base }: OciParts): string[] {
  return base === undefined ? [] : parseConfig(readBlob(store, base.config as Key), store.limits).diffIds;
}
