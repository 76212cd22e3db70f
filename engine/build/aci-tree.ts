/**
 * What an ACI of a build holds: a layer on top of its base, with a whitelist if paths are gone, or one tree of its own
 * files and its dependencies.
 */

import { documentReader, readBlob } from '../content/read-blob.js';
import { type ByteString, isUtf8, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { limitFlag } from '../core/limits.js';
import { listIn, withLists } from '../image/aci/edit-manifest.js';
import { type ImageManifest, parseImageManifest } from '../image/aci/manifest.js';
import type { JsonObject } from '../image/json.js';
import type { ImageRecord } from '../index/records.js';
import type { TocEntry } from '../layer/toc.js';
import { planAci } from '../plan/aci.js';
import { changedEntries, removedPaths } from '../plan/diff.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import { dependencyNodesOf } from '../resolve/dependencies.js';
import { listedStackOf } from '../resolve/layer-stack.js';
import { nodesWithTocs } from '../resolve/plan-image.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import type { Difference } from './difference.js';
import { checkManifest } from './documents.js';
import type { SourceEntry } from './tree-source.js';
import type { Writing } from './writing.js';

/** An ACI that is ready to be packed. */
export interface AciParts {
  manifest: JsonObject;
  entries: readonly SourceEntry[];
  changed: number;
  removed: number;
}

/**
 * The image that a layer goes on.
 * @throws CairnError `ERR_USAGE` for no such image, `ERR_NOT_FOUND` for one that is gone
 */
export function baseImage({ store, state, options }: Writing): ImageRecord {
  const { base } = state;
  if (base === undefined || (options.format ?? state.format) !== state.format) {
    const why = 'the build began with no image of this format, so there is nothing to put a layer on';
    throw new CairnError('ERR_USAGE', `${why}; --squash writes all of it`);
  }
  const image = store.index.image(base.key);
  if (image === undefined)
    throw new CairnError(
      'ERR_NOT_FOUND',
      `the image that the build began with is gone: ${base.key}; --squash needs none`,
    );
  if (base.treeId !== undefined && listedStackOf(store, image).treeId !== base.treeId) {
    const why = 'the image that the build began with depends on others now; begin anew, or write without --layer';
    throw new CairnError('ERR_NOT_FOUND', why);
  }
  return image;
}

export function layerOnBase(writing: Writing, manifest: JsonObject, difference: Difference): AciParts {
  const { store } = writing;
  const image = baseImage(writing);
  const below = parseImageManifest(readBlob(store, image.manifest), store.limits);
  const before = { entries: difference.before };
  const after = { entries: difference.after.map(({ entry }) => entry) };
  const inodes = new Map(difference.after.map((each) => [each.entry.path, each]));
  const changed = changedEntries(before, after).map((entry) => inodes.get(entry.path) as SourceEntry);
  const removed = removedPaths(before, after);
  // Readers insist on an entry of the root.
  const entries = changed[0]?.entry.path === '' ? changed : [difference.root, ...changed];
  const own = checkManifest(manifest, store.limits);
  const kept =
    writing.state.base?.treeId !== undefined ? listIn(manifest, 'dependencies') : ownDependencies(manifest, own, below);
  const dependencies = [...kept, dependencyOn(image, below)];
  const lists = {
    dependencies,
    pathWhitelist: sameList(own.pathWhitelist, below.pathWhitelist) ? [] : own.pathWhitelist,
  };
  const layered = withLists(manifest, lists);
  const counts = { changed: changed.length, removed: removed.length };
  if (removed.length === 0) return { manifest: layered, entries, ...counts };
  const plan = planOver(store, checkManifest(layered, store.limits), entries);
  const pathWhitelist = survivors(store, plan, removed);
  return { manifest: withLists(layered, { pathWhitelist }), entries, ...counts };
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

/** Dependencies that the base does not bring by itself. */
function ownDependencies(manifest: JsonObject, own: ImageManifest, below: ImageManifest): JsonObject[] {
  const isBelow = (name: string): boolean => below.dependencies.some(({ imageName }) => imageName === name);
  const lost = below.dependencies.find(
    ({ imageName }) => !own.dependencies.some((each) => each.imageName === imageName),
  );
  if (lost !== undefined) {
    const why = `a layer cannot take away ${lost.imageName}, on which its base depends; write without --layer`;
    throw new CairnError('ERR_USAGE', why);
  }
  return listIn(manifest, 'dependencies').filter((_each, i) => !isBelow(own.dependencies[i]?.imageName ?? ''));
}

function dependencyOn({ key }: ImageRecord, { name, labels }: ImageManifest): JsonObject {
  return {
    imageName: name,
    imageID: key,
    ...(labels.length === 0 ? {} : { labels: labels.map((label) => ({ name: label.name, value: label.value })) }),
  };
}

/** Every path that is left, once: however many layers take something away, no list repeats another. */
function survivors({ limits }: StoreContext, { entries }: Plan, removed: readonly ByteString[]): string[] {
  const gone = new Set(removed);
  const left: string[] = [];
  let bytes = 0;
  const isGone = new Set<ByteString>();
  for (const { path } of entries) {
    if (path === '') continue;
    const slash = path.lastIndexOf('/');
    if (gone.has(path) || (slash > 0 && isGone.has(path.slice(0, slash)))) {
      isGone.add(path);
      continue;
    }
    if (!isUtf8(path)) {
      const why = `${toText(path)}: its name is no text, so that no whitelist can have it; write without --layer`;
      throw new CairnError('ERR_UNSUPPORTED', why, { entry: toText(path) });
    }
    left.push(`/${toText(path)}`);
    bytes += path.length + 4;
  }
  if (bytes <= limits.maxManifest) return left;
  const why = `the list of all paths that are left has more bytes than a manifest may (${limitFlag('maxManifest')})`;
  throw new CairnError('ERR_LIMIT', `${why}; --squash needs none`);
}

/** New paths would be hidden by a whitelist that an image came with. */
export function withNewPaths(manifest: JsonObject, own: ImageManifest, { before, after }: Difference): JsonObject {
  const { pathWhitelist } = own;
  if (pathWhitelist.length === 0) return manifest;
  const old = new Set(before.map(({ path }) => path));
  const listed = new Set(pathWhitelist.map((path) => path.replace(/^\/+|\/+$/g, '')));
  const added = after.flatMap(({ entry: { path } }) => {
    const text = toText(path);
    return path === '' || old.has(path) || listed.has(text) || !isUtf8(path) ? [] : [`/${text}`];
  });
  return withLists(manifest, { pathWhitelist: [...pathWhitelist, ...added] });
}

/** The tree of an ACI that is not in the store yet, over its dependencies. */
function planOver(store: StoreContext, manifest: ImageManifest, own: readonly SourceEntry[]): Plan {
  const documents = documentReader(store);
  const top = {
    name: manifest.name,
    key: '',
    layers: [],
    dependencies: manifest.dependencies,
  } as unknown as ImageRecord;
  const nodes = dependencyNodesOf(readableImages(store, { documents }), top, store.limits);
  const below = nodesWithTocs(store, { nodes: nodes.slice(1), layers: [], treeId: '', documents });
  const toc = own.map(({ entry }) => tocEntry(entry));
  return planAci([{ toc, pathWhitelist: manifest.pathWhitelist, dependent: -1 }, ...below]);
}

function tocEntry(entry: PlanEntry): TocEntry {
  const { group, layer: _layer, ...toc } = entry;
  if (group === '' || group === entry.path) return toc;
  return { ...toc, type: 'hardlink', link: group, size: 0, key: '' };
}

/** One tree of all there is, and the manifest of an image that depends on nothing. */
export function squashed(
  { store }: Writing,
  manifest: JsonObject,
  own: readonly SourceEntry[],
): Pick<AciParts, 'manifest' | 'entries'> {
  const plan = planOver(store, checkManifest(manifest, store.limits), own);
  const inodes = new Map(own.map((each) => [each.entry.path, each.inode]));
  const entries = plan.entries.map((entry) => ({
    entry,
    inode: entry.layer === 0 ? inodes.get(entry.path) : undefined,
  }));
  return { manifest: withLists(manifest, { dependencies: [], pathWhitelist: [] }), entries };
}
