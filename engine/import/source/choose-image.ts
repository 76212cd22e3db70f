/** Chooses an image of a container, and lists its parts. Documents are checked against their descriptors on the way. */
import { CairnError, isCairnError } from '../../core/errors.js';
import { digestOf } from '../../core/key.js';
import { type Limits, limitFlag, MAX_CANDIDATES, MAX_NESTED_INDEXES } from '../../core/limits.js';
import {
  type Descriptor,
  documentKind,
  type OciConfig,
  parseConfig,
  parseDockerManifest,
  parseDocument,
  parseLayoutHeader,
  REF_NAME,
} from '../../image/oci/documents.js';
import { formatPlatform, type Platform, pickPlatform } from '../../image/oci/platform.js';
import type { Container } from './container.js';

const FULL_NAME = 'io.containerd.image.name';

export interface ChosenLayer {
  /** The name of the blob in its container. */
  member: string;
  diffId: string;
  /** Absent for images of `docker save`. */
  descriptor?: Descriptor;
}

export interface ChosenImage {
  /** Absent for images of `docker save`, which have no such manifest. */
  manifest?: { bytes: Buffer; digest: string };
  config: { bytes: Buffer; digest: string; parsed: OciConfig };
  /** Bottom to top. */
  layers: ChosenLayer[];
  /** The container's names for the image. */
  references: string[];
  /** The digests were computed from the bytes that came, so they promise nothing. */
  digestsUnverified?: boolean;
}

export interface Choice {
  /** The reference that picks one of several images. */
  reference: string | undefined;
  platform: Platform;
}

type Limit = Pick<Limits, 'maxManifest' | 'maxLayers'>;

/**
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY` if several images match, `ERR_DIGEST_MISMATCH`,
 * `ERR_BAD_MANIFEST`, …
 */
export function chooseImage(container: Container, choice: Choice, limits: Limit): ChosenImage {
  // A layout may also have a manifest.json, for old programs. The layout says more.
  if (container.has('oci-layout') || container.has('index.json')) return chooseFromLayout(container, choice, limits);
  if (container.has('manifest.json')) return chooseFromDocker(container, choice, limits);
  throw new CairnError(
    'ERR_NOT_AN_IMAGE',
    `${container.path} has neither an index.json nor a manifest.json: no OCI or Docker image`,
    { path: container.path },
  );
}

/** The references that pick the images of a layout. Empty for one image, or if names do not tell images apart. */
export function referencesIn(container: Container, limits: Limit): string[] {
  const index = parseDocument(container.read('index.json'), limits);
  const manifests = index.kind === 'index' ? imagesAmong(index.manifests) : [];
  const names = new Set(refsOf(manifests));
  return names.size > 1 && manifests.every((each) => namesOf(each).length > 0) ? [...names] : [];
}

function chooseFromLayout(container: Container, choice: Choice, limits: Limit): ChosenImage {
  parseLayoutHeader(container.read('oci-layout'), limits);
  const index = parseDocument(container.read('index.json'), limits);
  if (index.kind !== 'index') throw badManifest('index.json', 'must be an index of manifests');
  const { reference } = choice;
  const manifests = imagesAmong(index.manifests);
  const candidates =
    reference === undefined
      ? manifests
      : manifests.filter((each) => namesOf(each).some((name) => means(name, reference)));
  if (candidates.length === 0) throw noSuchReference(container, reference, refsOf(manifests));
  const descriptor = pickOne(container, candidates, choice, refsOf(manifests));
  const { manifest, bytes, digest } = readManifest(container, descriptor, choice, limits, 0);
  checkLayers(manifest.layers.length, limits);
  const configBytes = container.read(blobName(manifest.config));
  checkDescriptor(manifest.config, configBytes);
  const config = readConfig(configBytes, limits);
  const { diffIds } = config.parsed;
  if (diffIds.length !== manifest.layers.length) {
    throw badManifest(
      'config: rootfs.diff_ids',
      `${diffIds.length} diff_ids for the ${manifest.layers.length} layers of the manifest`,
    );
  }
  const layers = manifest.layers.map((layer, i) => ({
    member: blobName(layer),
    diffId: diffIds[i] as string,
    descriptor: layer,
  }));
  const [own] = namesOf(descriptor);
  const isFull = descriptor.annotations[FULL_NAME] !== undefined;
  const references =
    (isFull ? undefined : repoTagsOf(container, manifest.config, limits)) ?? (own === undefined ? [] : [own]);
  return { manifest: { bytes, digest }, config, layers, references };
}

/**
 * An index may list documents that are no images (OCI image spec, image index: unknown media types are no error). They
 * are left out, unless there are no others.
 */
function imagesAmong(manifests: readonly Descriptor[]): readonly Descriptor[] {
  const images = manifests.filter(({ mediaType }) => documentKind(mediaType) !== undefined);
  return images.length === 0 ? manifests : images;
}

/**
 * In an archive that is both a layout and a docker archive, only manifest.json may have full names. Nothing else of
 * that document counts.
 */
function repoTagsOf(container: Container, config: Descriptor, limits: Limit): string[] | undefined {
  if (!container.has('manifest.json')) return undefined;
  try {
    const images = parseDockerManifest(container.read('manifest.json'), limits);
    const tags = images.find((image) => image.config === blobName(config))?.repoTags ?? [];
    return tags.length === 0 ? undefined : tags;
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

/** The full name that Docker writes, and the name of the specification, which is mostly only a tag. */
function namesOf({ annotations }: Descriptor): string[] {
  const full = annotations[FULL_NAME]?.replace(/^docker\.io\/(?:library\/)?/, '');
  return [full, annotations[REF_NAME]].filter((name) => name !== undefined && name !== '') as string[];
}

function pickOne(
  container: Container,
  candidates: readonly Descriptor[],
  { platform, reference }: Choice,
  refs: readonly string[],
): Descriptor {
  if (candidates.length === 1) return candidates[0] as Descriptor;
  const picked = candidates.every((each) => each.platform !== undefined)
    ? pickPlatform(candidates, platform)
    : undefined;
  if (picked !== undefined) return picked;
  if (reference !== undefined || refs.length === 0) throw noSuchPlatform(container, platform);
  throw severalImages(container, refs);
}

function readManifest(
  container: Container,
  descriptor: Descriptor,
  choice: Choice,
  limits: Limit,
  nesting: number,
): { manifest: Extract<ReturnType<typeof parseDocument>, { kind: 'manifest' }>; bytes: Buffer; digest: string } {
  if (nesting > MAX_NESTED_INDEXES) throw badManifest('index.json', `indexes nested deeper than ${MAX_NESTED_INDEXES}`);
  const bytes = container.read(blobName(descriptor));
  checkDescriptor(descriptor, bytes);
  const document = parseDocument(bytes, limits, descriptor.mediaType);
  if (document.kind === 'manifest') return { manifest: document, bytes, digest: descriptor.digest };
  const picked = pickPlatform(imagesAmong(document.manifests), choice.platform);
  if (picked === undefined) throw noSuchPlatform(container, choice.platform);
  return readManifest(container, picked, choice, limits, nesting + 1);
}

function chooseFromDocker(container: Container, { reference }: Choice, limits: Limit): ChosenImage {
  const images = parseDockerManifest(container.read('manifest.json'), limits);
  const refs = images.flatMap(({ repoTags }) => repoTags);
  const candidates =
    reference === undefined ? images : images.filter(({ repoTags }) => repoTags.some((tag) => means(tag, reference)));
  const [image] = candidates;
  if (image === undefined) throw noSuchReference(container, reference, refs);
  if (candidates.length > 1) {
    throw severalImages(container, refs);
  }
  checkLayers(image.layers.length, limits);
  const config = readConfig(container.read(image.config), limits);
  // Only the name of the configuration says which digest it should have.
  const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(image.config)?.[1];
  if (named !== undefined && config.digest !== `sha256:${named}`) {
    throw mismatch(image.config, `sha256:${named}`, config.digest);
  }
  const { diffIds } = config.parsed;
  if (diffIds.length !== image.layers.length) {
    throw badManifest('config: rootfs.diff_ids', `${diffIds.length} diff_ids for ${image.layers.length} layers`);
  }
  const layers = image.layers.map((member, i) => ({ member, diffId: diffIds[i] as string }));
  return { config, layers, references: image.repoTags };
}

/** Whether a tag of an archive matches the reference, in full or without its default tag. */
function means(tag: string, reference: string): boolean {
  return tag === reference || tag === `${reference}:latest` || tag.endsWith(`:${reference}`);
}

function readConfig(bytes: Buffer, limits: Limit): ChosenImage['config'] {
  return { bytes, digest: digestOf(bytes), parsed: parseConfig(bytes, limits) };
}

function blobName({ digest }: Descriptor): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}

function checkDescriptor({ digest, size }: Descriptor, bytes: Buffer): void {
  if (bytes.length !== size) throw mismatch(digest, `${size} bytes`, `${bytes.length} bytes`);
  const found = digestOf(bytes);
  if (found !== digest) throw mismatch(digest, digest, found);
}

export function mismatch(entry: string, expected: string, found: string): CairnError {
  return new CairnError('ERR_DIGEST_MISMATCH', `${entry}: expected ${expected}, but it is ${found}`, {
    entry,
    expected,
    found,
  });
}

function checkLayers(count: number, { maxLayers }: Limit): void {
  if (count <= maxLayers) return;
  throw new CairnError('ERR_LIMIT', `${count} layers; the limit is ${maxLayers} (${limitFlag('maxLayers')})`);
}

function refsOf(manifests: readonly Descriptor[]): string[] {
  return manifests.flatMap((each) => namesOf(each).slice(0, 1));
}

function badManifest(entry: string, why: string): CairnError {
  return new CairnError('ERR_BAD_MANIFEST', `${entry}: ${why}`, { entry });
}

function noSuchReference({ path }: Container, reference: string | undefined, refs: readonly string[]): CairnError {
  const has = refs.length === 0 ? 'none has a name' : `it has ${refs.slice(0, MAX_CANDIDATES).join(', ')}`;
  if (reference === undefined) return new CairnError('ERR_NOT_AN_IMAGE', `${path} holds no image at all`, { path });
  return new CairnError('ERR_NOT_FOUND', `${path} has no image ${reference}; ${has}`, { path });
}

function severalImages({ path }: Container, refs: readonly string[]): CairnError {
  const candidates = refs.slice(0, MAX_CANDIDATES);
  const more = refs.length > MAX_CANDIDATES ? ', …' : '';
  const why = `${path} holds several images; pick one of :${candidates.join(', :')}${more}`;
  return new CairnError('ERR_AMBIGUOUS_KEY', why, { path, candidates });
}

function noSuchPlatform({ path }: Container, platform: Platform): CairnError {
  return new CairnError(
    'ERR_NOT_FOUND',
    `${path} has no image for ${formatPlatform(platform)}; --platform picks another`,
    { path },
  );
}
