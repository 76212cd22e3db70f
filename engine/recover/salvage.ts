/** Decides which images can be restored: each in its highest revision whose blobs, layers and objects are all there. */
import * as fs from 'node:fs';
import type { DocumentedImage, DocumentedLayer } from '../content/image-document.js';
import { verifyBlobs } from '../content/verify-files.js';
import { batches } from '../core/batches.js';
import { isCairnError } from '../core/errors.js';
import { hexOf, type Key } from '../core/key.js';
import { mapped } from '../core/mapped.js';
import type { SkippedKind } from '../core/metadata.js';
import { isCleanPath } from '../core/path.js';
import type { Layout } from '../disk/layout.js';
import { mergeArchiveDigests } from '../index/archive-digest.js';
import { titleOf } from '../index/images.js';
import { decodeToc } from '../layer/toc.js';
import type { ObjectHome } from '../objects/home.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';
import type { Found, FoundDocument, Lost } from './read-documents.js';

/** The parts of a store that work without its index. */
export type Salvaging = Pick<StoreContext, 'layout' | 'objects'>;

export interface SalvagedLayer {
  record: DocumentedLayer;
  /** The objects of the layer, each once. `sizes` has the same order. */
  names: string[];
  sizes: Float64Array;
}

export interface Salvage {
  images: { image: DocumentedImage; document: Key; revision: number }[];
  layers: Map<Key, SalvagedLayer>;
  /** Object → metadata that its file lacks. */
  skipped: Record<string, SkippedKind[]>;
  /** Documents of images that are restored from another revision. */
  superseded: Key[];
  lost: Lost[];
  /** Blobs and objects that are in the store, but not what their names say. */
  damaged: { blobs: Key[]; objects: string[] };
}

export async function salvage(store: Salvaging, work: Work, found: Found): Promise<Salvage> {
  const faults = await blobFaults(store.layout, work, found);
  const layers = new Map<Key, SalvagedLayer>();
  /** Layer → why it cannot be used. */
  const broken = new Map<Key, string>();
  const xattrs: Record<string, string[]> = {};
  for (const layer of layersOf(found.documents)) {
    if (layers.has(layer.key)) continue;
    const read = readLayer(store, layer, faults, xattrs);
    if (typeof read === 'string') broken.set(layer.key, broken.get(layer.key) ?? read);
    else layers.set(layer.key, read);
  }
  const objects = await survey(store.objects, work, [...layers.values()], xattrs);
  for (const [key, { names }] of layers) {
    const missing = names.filter((name) => objects.faults.has(name));
    if (missing.length === 0) continue;
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    broken.set(key, `object ${missing[0]}${more}: ${objects.faults.get(missing[0] as string)}`);
    layers.delete(key);
  }
  const chosen = choose(found.documents, (document) => whyNot(document, faults, layers, broken));
  const needed = new Set(chosen.images.flatMap(({ image }) => image.layers));
  for (const key of layers.keys()) if (!needed.has(key)) layers.delete(key);
  for (const [, lost] of found.spoiled) chosen.lost.push(lost);
  const damaged = {
    blobs: [...new Set([...faults.keys(), ...found.spoiled.keys()])].filter((key) => found.blobs.has(key)),
    objects: [...objects.faults.keys()].filter((name) => store.objects.has(name)),
  };
  return { ...chosen, layers, skipped: objects.skipped, damaged };
}

/** The layers of all documents. Documents may know different archives of a layer, so the digests are merged. */
function layersOf(documents: readonly FoundDocument[]): DocumentedLayer[] {
  const variants = new Map<string, DocumentedLayer>();
  for (const { layers } of documents.toSorted((a, b) => b.revision - a.revision)) {
    for (const layer of layers) {
      const variant = [layer.key, layer.format, layer.toc.key, layer.recipe.key].join();
      const known = variants.get(variant);
      const archiveDigests = mergeArchiveDigests(known?.archiveDigests ?? [], layer.archiveDigests);
      variants.set(variant, { ...layer, archiveDigests });
    }
  }
  return [...variants.values()];
}

/** Finds missing and damaged blobs of images and layers. Archives are only looked for: `check` hashes them. */
async function blobFaults(layout: Layout, work: Work, { documents, blobs }: Found): Promise<Map<Key, string>> {
  const faults = new Map<Key, string>();
  const wanted = new Map<Key, number | undefined>();
  const archives = new Set<Key>();
  for (const { image, layers } of documents) {
    for (const key of [image.manifest, image.config]) if (key !== undefined) wanted.set(key, blobs.get(key));
    for (const { toc, recipe } of layers) for (const { key, size } of [toc, recipe]) wanted.set(key, size);
    for (const key of image.archives ?? []) archives.add(key);
  }
  for (const key of [...wanted.keys(), ...archives]) if (!blobs.has(key)) faults.set(key, 'missing');
  const there = [...wanted].filter((entry): entry is [Key, number] => blobs.has(entry[0]) && entry[1] !== undefined);
  const byPath = new Map(there.map(([key]) => [layout.blob(key), key]));
  const files = there.map(([key, size]) => ({ path: layout.blob(key), sha512: hexOf(key), size }));
  const { findings } = await verifyBlobs(files, { work, quick: false });
  for (const { id, what } of findings) faults.set(byPath.get(id) as Key, what);
  return faults;
}

/** @param xattrs gets the names of the objects' extended attributes @returns the layer, or why it cannot be used */
function readLayer(
  { layout, objects }: Salvaging,
  record: DocumentedLayer,
  faults: ReadonlyMap<Key, string>,
  xattrs: Record<string, string[]>,
): SalvagedLayer | string {
  const { toc, recipe } = record;
  if (faults.has(toc.key)) return `table of contents ${toc.key}: ${faults.get(toc.key)}`;
  if (faults.has(recipe.key)) return `recipe ${recipe.key}: ${faults.get(recipe.key)}`;
  const sizes = new Map<string, number>();
  try {
    for (const entry of decodeToc(fs.readFileSync(layout.blob(toc.key)))) {
      // Anyone may put any bytes as a blob, so entries that no import writes are refused.
      if (!isCleanPath(entry.path) || (entry.type === 'hardlink' && !isCleanPath(entry.link)) || entry.mode > 0o7777) {
        return `table of contents ${toc.key}: an entry that no import writes`;
      }
      if (entry.type !== 'file') continue;
      const name = objects.nameOf(entry);
      sizes.set(name, entry.size);
      if (entry.xattrs.length > 0) xattrs[name] = entry.xattrs.map((xattr) => xattr.name);
    }
  } catch (error) {
    if (isCairnError(error)) return `table of contents ${toc.key}: ${error.message}`;
    throw error;
  }
  return { record, names: [...sizes.keys()], sizes: Float64Array.from(sizes.values()) };
}

/** Looks at the files of objects. @param xattrs object → the extended attributes that it should have, if any */
async function survey(
  home: ObjectHome,
  work: Work,
  layers: readonly SalvagedLayer[],
  xattrs: Record<string, string[]>,
): Promise<{ faults: Map<string, string>; skipped: Record<string, SkippedKind[]> }> {
  const sizes = new Map<string, number>();
  for (const layer of layers) layer.names.forEach((name, i) => void sizes.set(name, layer.sizes[i] as number));
  const tasks = mapped(
    batches([...sizes], () => 0),
    (batch) => {
      const names = batch.map(([name]) => name);
      const own = names.flatMap((name) => (xattrs[name] === undefined ? [] : [[name, xattrs[name]] as const]));
      const ownSizes = Float64Array.from(batch, ([, size]) => size);
      return { objects: home.at, names, sizes: ownSizes, xattrs: Object.fromEntries(own) };
    },
  );
  const results = await work.map('survey-objects', tasks);
  return {
    faults: new Map(results.flatMap((result) => Object.entries(result.faults))),
    skipped: Object.assign({}, ...results.map((result) => result.skipped)) as Record<string, SkippedKind[]>,
  };
}

function whyNot(
  { image }: FoundDocument,
  faults: ReadonlyMap<Key, string>,
  layers: ReadonlyMap<Key, SalvagedLayer>,
  broken: ReadonlyMap<Key, string>,
): string | undefined {
  const parts: [string, Key[]][] = [
    ['manifest', [image.manifest]],
    ['config', image.config === undefined ? [] : [image.config]],
    ['kept archive', image.archives ?? []],
  ];
  for (const [part, keys] of parts) {
    const key = keys.find((each) => faults.has(each));
    if (key !== undefined) return `${part} ${key}: ${faults.get(key)}`;
  }
  const layer = image.layers.find((key) => !layers.has(key));
  return layer === undefined ? undefined : `layer ${layer}: ${broken.get(layer)}`;
}

type Chosen = Pick<Salvage, 'images' | 'superseded' | 'lost'>;

function choose(documents: readonly FoundDocument[], whyNot: (document: FoundDocument) => string | undefined): Chosen {
  const byImage = new Map<Key, FoundDocument[]>();
  for (const document of documents) {
    byImage.set(document.image.key, [...(byImage.get(document.image.key) ?? []), document]);
  }
  const chosen: Chosen = { images: [], superseded: [], lost: [] };
  for (const revisions of byImage.values()) {
    revisions.sort((a, b) => b.revision - a.revision);
    const best = revisions.find((document) => whyNot(document) === undefined);
    if (best === undefined) {
      const { image } = revisions[0] as FoundDocument;
      chosen.lost.push({ image: titleOf(image), why: whyNot(revisions[0] as FoundDocument) as string });
      continue;
    }
    chosen.images.push({ image: best.image, document: best.blob, revision: best.revision });
    chosen.superseded.push(...revisions.filter((document) => document !== best).map(({ blob }) => blob));
  }
  return chosen;
}

/** Every object in the store, by name: its size, and the number of its further copies up to the first gap. */
export function objectsOnDisk(home: ObjectHome): Map<string, { size: number; copies: number }> {
  const copies = new Map<string, Set<number>>();
  for (const { object } of home.list()) {
    if (object === undefined) continue;
    const known = copies.get(object.name);
    if (known === undefined) copies.set(object.name, new Set([object.copy]));
    else known.add(object.copy);
  }
  const objects = new Map<string, { size: number; copies: number }>();
  for (const [name, there] of copies) {
    const first = home.look({ name, copy: 0 });
    if (typeof first === 'string') continue;
    let count = 0;
    while (there.has(count + 1)) count++;
    objects.set(name, { size: Number(first.size), copies: count });
  }
  return objects;
}
