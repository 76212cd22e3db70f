/** Chooses images of a container, and lists their parts. Documents are checked against their descriptors on the way. */
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { digestOf } from '../../core/key.js';
import { limitFlag, MAX_CANDIDATES, MAX_NESTED_INDEXES } from '../../core/limits.js';
import {
  type Descriptor,
  type DockerImage,
  type ManifestDocument,
  type OciConfig,
  parseConfig,
  parseDocument,
} from '../../image/oci/documents.js';
import { formatPlatform, isPlatform, type Platform, pickPlatform } from '../../image/oci/platform.js';
import { STDIN } from '../../resolve/source-path.js';
import {
  badIndex,
  blobName,
  type Candidate,
  candidatesIn,
  type DocumentLimits,
  digestInName,
  imagesAmong,
} from './candidates.js';
import type { Container } from './container.js';

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
  /** What is wrong with such a name. */
  nameFault?: CairnError;
  /** It is one layer's tar that came by itself. Its digests were computed from its bytes, so they promise nothing. */
  isBare?: boolean;
}

export interface Choice {
  /** The reference that picks one of several images, or the digest of its manifest or configuration. */
  reference: string | undefined;
  platform: Platform;
  /** The platform was asked for: an image of another one will not do. */
  isPlatformAsked: boolean;
  /** Take all images that fit, not just one. */
  all: boolean;
  /** Somebody only looks at the source, with a command that has no options of an import. */
  isLook: boolean;
}

/**
 * @returns one image, or with `all` at least one
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY` if several images match, `ERR_DIGEST_MISMATCH`,
 * `ERR_BAD_MANIFEST`, …
 */
export function chooseImages(container: Container, choice: Choice, limits: DocumentLimits): ChosenImage[] {
  const candidates = candidatesIn(container, limits);
  const { reference, all, isLook } = choice;
  const meant = reference === undefined ? candidates : candidates.filter((candidate) => isMeant(candidate, reference));
  if (meant.length === 0) throw noSuchReference(container, reference as string, candidates);
  if (meant.length > 1 && !all) throw severalImages(container, meant, isLook);
  const opener = new Opener(container, choice, limits);
  if (meant.length === 1) return [opener.open(meant[0] as Candidate)];
  return ofThatPlatform(meant, (candidate) => opener.open(candidate));
}

/** Of several images some may be for other platforms alone. @throws what opening the first threw if all are */
function ofThatPlatform(candidates: readonly Candidate[], open: (each: Candidate) => ChosenImage): ChosenImage[] {
  const opened: ChosenImage[] = [];
  let foreign: unknown;
  for (const candidate of candidates) {
    try {
      opened.push(open(candidate));
    } catch (error) {
      if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
      foreign ??= error;
    }
  }
  if (opened.length === 0) throw foreign;
  return opened;
}

class Opener {
  readonly #container: Container;
  readonly #choice: Choice;
  readonly #limits: DocumentLimits;

  constructor(container: Container, choice: Choice, limits: DocumentLimits) {
    this.#container = container;
    this.#choice = choice;
    this.#limits = limits;
  }

  open(candidate: Candidate): ChosenImage {
    const { descriptors, docker } = candidate;
    const image = descriptors.length === 0 ? undefined : this.#fromLayout(candidate);
    const chosen = image ?? this.#fromDocker(docker as DockerImage, candidate.names);
    const { os, architecture, variant } = chosen.config.parsed;
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    const isForeign = os !== '' && architecture !== '' && !isPlatform(platform, this.#choice.platform);
    if (isForeign && this.#choice.isPlatformAsked) throw this.#noSuchPlatform();
    return { ...chosen, ...defined({ nameFault: candidate.fault }) };
  }

  /** @returns `undefined` if only `manifest.json` lists all of its layers, as Docker 25.0.0 wrote it */
  #fromLayout({ descriptors, docker, names }: Candidate): ChosenImage | undefined {
    const descriptor = descriptors.length === 1 ? descriptors[0] : pickPlatform(descriptors, this.#choice.platform);
    if (descriptor === undefined) throw this.#noSuchPlatform();
    const { manifest, bytes, digest } = this.#readManifest(descriptor, 0);
    this.#checkCount(manifest.layers.length);
    const configBytes = this.#container.read(blobName(manifest.config));
    checkDescriptor(manifest.config, configBytes);
    const config = this.#config(configBytes);
    const { diffIds } = config.parsed;
    if (diffIds.length !== manifest.layers.length) {
      if (docker !== undefined) return undefined;
      throw tooFewDiffIds(`${diffIds.length} diff_ids for the ${manifest.layers.length} layers of the manifest`);
    }
    const layers = manifest.layers.map((layer, i) => ({
      member: blobName(layer),
      diffId: diffIds[i] as string,
      descriptor: layer,
    }));
    return { manifest: { bytes, digest }, config, layers, references: names };
  }

  #readManifest(
    descriptor: Descriptor,
    nesting: number,
  ): { manifest: ManifestDocument; bytes: Buffer; digest: string } {
    if (nesting > MAX_NESTED_INDEXES) throw badIndex(`indexes nested deeper than ${MAX_NESTED_INDEXES}`);
    const bytes = this.#container.read(blobName(descriptor));
    checkDescriptor(descriptor, bytes);
    const document = parseDocument(bytes, this.#limits, descriptor.mediaType);
    if (document.kind === 'manifest') return { manifest: document, bytes, digest: descriptor.digest };
    const picked = pickPlatform(imagesAmong(document.manifests), this.#choice.platform);
    if (picked === undefined) throw this.#noSuchPlatform();
    return this.#readManifest(picked, nesting + 1);
  }

  #fromDocker(image: DockerImage, references: string[]): ChosenImage {
    this.#checkCount(image.layers.length);
    const config = this.#config(this.#container.read(image.config));
    const named = digestInName(image.config);
    if (named !== undefined && config.digest !== named) throw mismatch(image.config, named, config.digest);
    const { diffIds } = config.parsed;
    if (diffIds.length !== image.layers.length)
      throw tooFewDiffIds(`${diffIds.length} diff_ids for ${image.layers.length} layers`);
    const layers = image.layers.map((member, i) => ({ member, diffId: diffIds[i] as string }));
    return { config, layers, references };
  }

  #config(bytes: Buffer): ChosenImage['config'] {
    return { bytes, digest: digestOf(bytes), parsed: parseConfig(bytes, this.#limits) };
  }

  #checkCount(count: number): void {
    const { maxLayers } = this.#limits;
    if (count <= maxLayers) return;
    throw new CairnError('ERR_LIMIT', `${count} layers; the limit is ${maxLayers} (${limitFlag('maxLayers')})`);
  }

  #noSuchPlatform(): CairnError {
    const { path } = this.#container;
    const platform = formatPlatform(this.#choice.platform);
    const help = this.#choice.isLook ? '"cairn import --platform" takes another' : '--platform picks another';
    return new CairnError('ERR_NOT_FOUND', `${path} has no image for ${platform}; ${help}`, { path });
  }
}

/** Whether a reference means an image: in full, without its default tag, as a tag alone, or as a digest. */
function isMeant({ names, fromTags, descriptors, docker }: Candidate, reference: string): boolean {
  const digests = [...descriptors.map(({ digest }) => digest), digestInName(docker?.config ?? '')];
  if (reference.length > 'sha256:'.length && digests.some((digest) => digest?.startsWith(reference))) return true;
  return [...names, ...fromTags].some(
    (name) => name === reference || name === `${reference}:latest` || name.endsWith(`:${reference}`),
  );
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

function tooFewDiffIds(why: string): CairnError {
  const entry = 'config: rootfs.diff_ids';
  return new CairnError('ERR_BAD_MANIFEST', `${entry}: ${why}`, { entry });
}

function noSuchReference({ path }: Container, reference: string, all: readonly Candidate[]): CairnError {
  const names = picksOf(all);
  const has = names.length === 0 ? 'none has a name' : `it has ${names.slice(0, MAX_CANDIDATES).join(', ')}`;
  return new CairnError('ERR_NOT_FOUND', `${path} has no image ${reference}; ${has}`, { path });
}

function severalImages({ path }: Container, all: readonly Candidate[], isLook: boolean): CairnError {
  const names = picksOf(all);
  // Nothing can be picked of standard input.
  const candidates = names.slice(0, MAX_CANDIDATES).map((name) => (path === STDIN ? name : `${path}:${name}`));
  const more = names.length > MAX_CANDIDATES ? ', …' : '';
  const list = `${candidates.join(', ')}${more}`;
  const ways = [...(isLook ? [] : ['--recursive takes all']), ...(path === STDIN ? [] : [`pick one of ${list}`])];
  const why = `${path} holds several images${path === STDIN ? ` (${list})` : ''}; ${ways.join(', or ')}`;
  return new CairnError('ERR_AMBIGUOUS_KEY', why, { path, candidates });
}

/** What picks each candidate after a path and a colon: its names, or its digest if it shares them. */
function picksOf(all: readonly Candidate[]): string[] {
  const isShared = (name: string, of: Candidate): boolean =>
    all.some((each) => each !== of && each.names.includes(name));
  return all.flatMap((candidate) => {
    const { names, fromTags, descriptors, docker } = candidate;
    const own = names.filter((name) => !isShared(name, candidate));
    if (own.length === 0) return [descriptors[0]?.digest ?? digestInName(docker?.config ?? '') ?? []].flat();
    return own.map((name) => (fromTags.includes(name) ? name.slice(name.lastIndexOf(':') + 1) : name));
  });
}
