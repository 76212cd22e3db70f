/**
 * Lists the images of a container. A layout's index and a `manifest.json` may both be there: the index says more, and
 * what only the other lists counts as well.
 */
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { type Limits, MAX_NESTED_INDEXES } from '../../core/limits.js';
import { parseJson } from '../../image/json.js';
import {
  ABOUT_ANOTHER,
  type Descriptor,
  type DockerImage,
  documentKind,
  FULL_NAME,
  isConfigType,
  parseDockerManifest,
  parseDocument,
  parseLayoutHeader,
  REF_NAME,
} from '../../image/oci/documents.js';
import type { Container } from './container.js';
import { type GivenName, type ReadNames, readNames } from './given-names.js';

/** One image, or one for several platforms, with the references by which it can be picked, and that name it. */
export interface Candidate extends ReadNames {
  /** Entries of the layout's index that mean it. Several have different platforms. */
  descriptors: Descriptor[];
  /** Its entry in `manifest.json`. */
  docker?: DockerImage;
}

export type DocumentLimits = Pick<Limits, 'maxManifest' | 'maxLayers'>;

/** @throws CairnError `ERR_NOT_AN_IMAGE` for a container of neither kind, `ERR_BAD_MANIFEST`, … */
export async function candidatesIn(container: Container, limits: DocumentLimits): Promise<Candidate[]> {
  const isLayout = container.has('oci-layout') || container.has('index.json');
  if (!isLayout && !container.has('manifest.json')) {
    const why = `${container.path} has neither an index.json nor a manifest.json: no OCI or Docker image`;
    throw new CairnError('ERR_NOT_AN_IMAGE', why, { path: container.path });
  }
  if (!isLayout && container.has('version')) {
    const help = `"skopeo copy dir:${container.path} oci:LAYOUT" makes a layout of it`;
    const why = `is a directory of skopeo's "dir:"; ${help}`;
    throw new CairnError('ERR_UNSUPPORTED', `${container.path} ${why}`, { path: container.path });
  }
  const candidates = isLayout ? await candidatesOfLayout(container, limits) : [];
  const fromDocker = await dockerImages(container, isLayout, limits);
  // Only these are looked for among the others. A registry has none, and each manifest of it is a request.
  const configs = await Promise.all(
    fromDocker.length === 0 ? [] : candidates.map(({ descriptors }) => configsOf(container, descriptors, limits)),
  );
  for (const [at, docker] of fromDocker.entries()) {
    const read = readNames(docker.repoTags.map(givenInDocker(at)), container.path);
    const digest = digestInName(docker.config);
    const isSame = (each: Candidate, i: number): boolean =>
      (digest !== undefined && configs[i]?.has(digest)) || each.docker?.config === docker.config;
    const same = candidates.find(isSame);
    if (same === undefined) candidates.push({ ...read, descriptors: [], docker });
    else {
      // Only manifest.json may have full names. A bare tag beside them says nothing more.
      const others = read.names.length === 0 ? same.names : same.names.filter((name) => !same.fromTags.includes(name));
      const names = [...new Set([...others, ...read.names])];
      Object.assign(same, defined({ fault: same.fault ?? read.fault }), { names, docker });
    }
  }
  if (candidates.length > 0) return candidates;
  throw new CairnError('ERR_NOT_AN_IMAGE', `${container.path} holds no image at all`, { path: container.path });
}

/** The digest that the name of a configuration promises. */
export function digestInName(name: string): string | undefined {
  const hex = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

async function candidatesOfLayout(container: Container, limits: DocumentLimits): Promise<Candidate[]> {
  parseLayoutHeader(await container.read('oci-layout'), limits);
  const index = parseDocument(await container.read('index.json'), limits);
  if (index.kind !== 'index') throw badIndex('must be an index of manifests');
  const byName = new Map<string, Descriptor[]>();
  for (const descriptor of await realImages(container, index.manifests, limits)) {
    // Entries of one name, or of none, that have platforms are one image for all of them.
    const given = givenInLayout(descriptor).text;
    const [name = given] = readNames([givenInLayout(descriptor)], container.path).names;
    const group = name !== '' || descriptor.platform !== undefined ? name : descriptor.digest;
    byName.set(group, [...(byName.get(group) ?? []), descriptor]);
  }
  const candidates = new Map<string, { descriptors: Descriptor[]; given: GivenName[] }>();
  for (const descriptors of [...byName.values()].flatMap(apart)) {
    const id = [...new Set(descriptors.map(({ digest }) => digest))].join();
    const before = candidates.get(id) ?? { descriptors, given: [] };
    candidates.set(id, { ...before, given: [...before.given, ...descriptors.map(givenInLayout)] });
  }
  return [...candidates.values()].map(({ given, descriptors }) => ({
    ...readNames(given, container.path),
    descriptors,
  }));
}

/** Entries without platforms are images of their own, even under one name. */
function apart(descriptors: Descriptor[]): Descriptor[][] {
  return descriptors.every(({ platform }) => platform !== undefined)
    ? [descriptors]
    : descriptors.map((each) => [each]);
}

/** The full name that containerd writes; else the name of the specification, which is mostly only a tag. */
function givenInLayout({ annotations }: Descriptor): GivenName {
  const field = annotations[FULL_NAME] ? FULL_NAME : REF_NAME;
  return { text: annotations[field] ?? '', field: `index.json: ${field}`, mayBeTag: true };
}

function givenInDocker(at: number): (text: string, i: number) => GivenName {
  return (text, i) => ({ text, field: `manifest.json: [${at}].RepoTags[${i}]`, mayBeTag: false });
}

/**
 * An index may list documents that are no images: artifacts, attestations, unknown types (OCI image spec, image index).
 * They are left out, unless there are no others: then the error says what is wrong with them.
 */
export function imagesAmong(manifests: readonly Descriptor[]): readonly Descriptor[] {
  const images = manifests.filter(
    ({ mediaType, artifactType, annotations }) =>
      documentKind(mediaType) !== undefined && artifactType === undefined && annotations[ABOUT_ANOTHER] === undefined,
  );
  return images.length === 0 ? manifests : images;
}

/** As {@link imagesAmong}. Of several, each manifest itself is asked, too: descriptors may leave out the type. */
async function realImages(
  container: Container,
  manifests: readonly Descriptor[],
  limits: DocumentLimits,
): Promise<readonly Descriptor[]> {
  const images = imagesAmong(manifests);
  if (images.length < 2) return images;
  const artifacts = await Promise.all(images.map((each) => isArtifact(container, each, limits)));
  const real = images.filter((_each, i) => !artifacts[i]);
  return real.length === 0 ? images : real;
}

async function isArtifact(container: Container, descriptor: Descriptor, limits: DocumentLimits): Promise<boolean> {
  const name = blobName(descriptor);
  if (documentKind(descriptor.mediaType) !== 'manifest' || !container.has(name)) return false;
  try {
    const { artifactType, config } = parseJson(await container.read(name), name, limits) as {
      artifactType?: unknown;
      config?: { mediaType?: unknown };
    };
    const type = config?.mediaType;
    return (
      (typeof artifactType === 'string' && artifactType !== '') || (typeof type === 'string' && !isConfigType(type))
    );
  } catch (error) {
    if (isCairnError(error)) return false;
    throw error;
  }
}

/** In an archive that is a layout, too, a `manifest.json` that cannot be read counts as none. */
async function dockerImages(container: Container, isLayout: boolean, limits: DocumentLimits): Promise<DockerImage[]> {
  if (!container.has('manifest.json')) return [];
  try {
    return parseDockerManifest(await container.read('manifest.json'), limits);
  } catch (error) {
    if (isLayout && isCairnError(error)) return [];
    throw error;
  }
}

/** The digests of the configurations that descriptors lead to, as far as their documents are there. */
async function configsOf(
  container: Container,
  descriptors: readonly Descriptor[],
  limits: DocumentLimits,
  nesting = 0,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const descriptor of descriptors) {
    if (nesting > MAX_NESTED_INDEXES || !container.has(blobName(descriptor))) continue;
    try {
      const document = parseDocument(await container.read(blobName(descriptor)), limits, descriptor.mediaType);
      if (document.kind === 'manifest') found.add(document.config.digest);
      else for (const each of await configsOf(container, document.manifests, limits, nesting + 1)) found.add(each);
    } catch (error) {
      // Opening the image says what is wrong.
      if (!isCairnError(error)) throw error;
    }
  }
  return found;
}

export function blobName({ digest }: Descriptor): string {
  return `blobs/sha256/${digest.slice('sha256:'.length)}`;
}

export function badIndex(why: string): CairnError {
  return new CairnError('ERR_BAD_MANIFEST', `index.json: ${why}`, { entry: 'index.json' });
}
