/** Begins a build: a private, writable tree with a working manifest, of an image, a root file system, or nothing. */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import type { ImageFormat } from '../../workers/tasks/import.js';
import type { Skipped } from '../../workers/tasks/parts.js';
import { noteUse } from '../content/last-used.js';
import { readBlob, readToc } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { FindOptions } from '../core/finding.js';
import type { Key } from '../core/key.js';
import type { Identity, SkippedKind } from '../core/metadata.js';
import type { OperationOptions } from '../core/operation.js';
import { rootfsIn } from '../disk/layout.js';
import { skeletonManifest, withLists } from '../image/aci/edit-manifest.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { ociConfigFrom } from '../image/convert/aci-to-oci.js';
import { aciManifestFrom } from '../image/convert/oci-to-aci.js';
import { appcPlatform } from '../image/convert/platform-names.js';
import { parseConfig, parseDocument } from '../image/oci/documents.js';
import { skeletonConfig } from '../image/oci/edit-config.js';
import { hostPlatform } from '../image/oci/platform.js';
import type { ImageRecord } from '../index/records.js';
import { planAci } from '../plan/aci.js';
import { type Plan, plainEntry } from '../plan/plan.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf, listedStackOf } from '../resolve/layer-stack.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { canReflink } from '../session/modes.js';
import { checkPathLengths } from '../tree/execute.js';
import { mustBeFreeFor, placeTree } from '../tree/place-tree.js';
import { encodeBase } from './base.js';
import { encodeWorking, type WorkingImage } from './documents.js';
import { letClockPass, noteTree } from './note-tree.js';
import { BuildPlace, isBuild } from './place.js';
import { type BuildBase, type BuildState, encodeState } from './state.js';

export type BuildFormat = ImageFormat;

export interface BeginOptions extends OperationOptions, FindOptions {
  /** An image, a directory with a root file system, or a tar of one. By default the build begins with nothing. */
  from?: string;
  /** By default that of the image, and `aci` for what is none. */
  format?: BuildFormat;
  /** Of an ACI: begin with its whole tree, in place of its own files and its dependencies. */
  flat?: boolean;
  /** Keep acbuild's annotations of what was done, as acbuild does unless told not to. */
  history?: boolean;
}

export interface Begun {
  dir: string;
  /** The working tree. */
  path: string;
  format: BuildFormat;
  /** The image that the build began with. */
  base?: Key;
  files: number;
  bytes: number;
  /** Metadata that could not be set, by kind. It is not missed for that. */
  skipped: Skipped;
}

/** What a build begins with. A root file system is an image, too, but no image that a layer could be put on. */
export interface Beginning {
  image?: ImageRecord;
  isRootfs?: boolean;
}

/** @throws CairnError `ERR_EXISTS`, `ERR_USAGE` for a directory in the store, and as checkouts do */
export async function beginBuild(
  store: StoreContext,
  { image, isRootfs = false }: Beginning,
  dir: string,
  options: BeginOptions,
): Promise<Begun> {
  const target = resolve(dir);
  if (isBuild(target)) {
    throw new CairnError('ERR_EXISTS', `a build is under way in ${target}; "cairn build end" ends it`, {
      path: target,
    });
  }
  mustBeFreeFor(store, target, false);
  const format = options.format ?? (image === undefined || isRootfs ? 'aci' : image.format);
  const base = image === undefined || isRootfs ? undefined : image;
  return store.uses.during(options.signal, async () => {
    await store.pool.warm('render');
    const { flat = false } = options;
    const plan = image === undefined ? emptyPlan() : planFrom(store, image, { format, flat });
    const working = base === undefined ? skeleton(format) : workingFrom(store, base, { format, flat });
    const packed = packForWorkers(store, plan);
    checkPathLengths(packed, rootfsIn(target));
    const noted = base?.format === format ? baseOf(store, base, packed.hash(), flat) : undefined;
    const fill = (inside: string, made: { skipped: Skipped; identity: Identity }): Promise<void> =>
      writeNotes(store, new BuildPlace(inside), { plan, working, base: noted, ...made }, options);
    const mode = canReflink(store, join(target, '..')) ? 'reflink' : 'copy';
    const skipped = await placeTree(store, packed, { ...options, target, mode, rootfs: rootfsIn, fill });
    if (base !== undefined) void noteUse(store, base);
    const { files, bytes } = plan;
    return { dir: target, path: rootfsIn(target), format, ...defined({ base: base?.key }), files, bytes, skipped };
  });
}

function emptyPlan(): Plan {
  return { entries: [plainEntry('', 'dir', 0o755, -1)], files: 0, bytes: 0 };
}

/** The tree of an ACI with its dependencies is another one when a dependency's name means another image. */
function baseOf(store: StoreContext, image: ImageRecord, hash: Key, flat: boolean): BuildBase {
  const isMerged = flat && image.format === 'aci';
  return { key: image.key, hash, ...(isMerged ? { treeId: listedStackOf(store, image).treeId } : {}) };
}

interface Wanted {
  format: BuildFormat;
  flat: boolean;
}

/**
 * The tree to work on. An ACI's is that of its own files, since its dependencies stay what they are; whatever its
 * whitelist hides is among them.
 */
function planFrom(store: StoreContext, image: ImageRecord, { format, flat }: Wanted): Plan {
  if (image.format === 'aci' && format === 'aci' && !flat) {
    mustBeComplete(store, { nodes: [{ image, dependent: -1 }] });
    return planAci([{ toc: readToc(store, image.layers[0] as Key), pathWhitelist: [], dependent: -1 }]);
  }
  const stack = layerStackOf(store, image);
  mustBeComplete(store, stack);
  return planOf(store, stack);
}

function host() {
  return hostPlatform(process.arch, process.platform);
}

function skeleton(format: BuildFormat): WorkingImage {
  if (format === 'aci') return { format, manifest: skeletonManifest(appcPlatform(host())) };
  return { format, config: skeletonConfig(host()), annotations: {} };
}

function workingFrom(store: StoreContext, image: ImageRecord, { format, flat }: Wanted): WorkingImage {
  const bytes = readBlob(store, image.manifest);
  const { limits } = store;
  if (image.format === 'aci') {
    const manifest = parseImageManifest(bytes, limits);
    const alone = { dependencies: [], pathWhitelist: [] };
    if (format === 'aci') return { format, manifest: flat ? withLists(manifest.raw, alone) : manifest.raw };
    return { format, config: ociConfigFrom(manifest, [], undefined, host()), annotations: {} };
  }
  const config = parseConfig(readBlob(store, image.config as Key), limits);
  if (format === 'aci') return { format, manifest: aciManifestFrom(config, nameForAci(image), image.digest) };
  const document = parseDocument(bytes, limits);
  return { format, config: config.raw, annotations: document.kind === 'manifest' ? document.annotations : {} };
}

/** The name and tag that an OCI image's manifest as an ACI gets. */
export function nameForAci({ name, labels, key }: ImageRecord): { name: string; tag?: string } {
  const tag = labels.find((label) => label.name === 'version')?.value;
  return { name: name || `image-${key.slice('sha512-'.length, 20)}`, ...(tag ? { tag } : {}) };
}

interface Notes {
  plan: Plan;
  working: WorkingImage;
  base: BuildBase | undefined;
  skipped: Skipped;
  identity: Identity;
}

async function writeNotes(
  store: StoreContext,
  place: BuildPlace,
  { plan, working, base, skipped, identity }: Notes,
  options: BeginOptions,
): Promise<void> {
  const seen = await noteTree(store, place.rootfs, plan, options);
  await letClockPass(place.dir, seen);
  fs.mkdirSync(place.notes, { mode: 0o700 });
  const { uid, gid } = identity;
  const state: BuildState = {
    format: working.format,
    ...defined({ base, ownedBy: identity.givesAway ? undefined : { uid, gid } }),
    skipped: Object.keys(skipped) as SkippedKind[],
    history: options.history === true,
  };
  fs.writeFileSync(place.base, encodeBase(plan.entries, seen), { flag: 'wx', mode: 0o600 });
  fs.writeFileSync(place.document(working.format), encodeWorking(working), { flag: 'wx', mode: 0o644 });
  fs.writeFileSync(place.state, encodeState(state), { flag: 'wx', mode: 0o600 });
}
