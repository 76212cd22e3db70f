/** Where in the world a reference leads: the registry, the repository there, and the tag or digest. */
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { formatReference, isRegistryReference, parseReference } from './reference.js';

export interface RegistryReference {
  /** With its port, if one was given: `localhost:5000`, `docker.io`. */
  host: string;
  /** `library/busybox`. */
  repository: string;
  /** `latest` if neither a tag nor a digest was given. */
  tag?: string;
  digest?: string;
}

/** A reference to a tag. */
export type TaggedReference = RegistryReference & { tag: string };

export const REGISTRY_SCHEME = 'docker://';

const DOCKER_HUB = 'docker.io';
/** Another name for it, and the host of its API, which is on neither. */
const INDEX_OF_HUB = 'index.docker.io';
const API_OF_HUB = 'registry-1.docker.io';

/**
 * Reads `[docker://][HOST/]REPOSITORY[:TAG][@DIGEST]`. As everywhere, a first part without a dot or colon is no host
 * but `localhost`, no host means Docker Hub, and its images without a namespace are in `library`.
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function parseRegistryReference(text: string): RegistryReference {
  const plain = text.startsWith(REGISTRY_SCHEME) ? text.slice(REGISTRY_SCHEME.length) : text;
  const reference = readRegistryReference(plain);
  if (reference !== undefined) return isWhole(reference) ? reference : { ...reference, tag: 'latest' };
  const rule = 'must be [host[:port]/]repository[:tag][@sha256:digest], the repository in lower case';
  throw new CairnError('ERR_NAME_SYNTAX', `not a reference of a registry: ${quoted(text)}: ${rule}`);
}

/** As {@link parseRegistryReference}, but without a scheme, and adds no tag. @returns undefined for what is none */
export function readRegistryReference(text: string): RegistryReference | undefined {
  if (!isRegistryReference(text)) return undefined;
  const { name, tag, digest } = parseReference(text);
  const slash = hasHost(name) ? name.indexOf('/') : -1;
  // Hosts are the same in capitals, and what a policy says of one must hold for it in any spelling.
  const given = slash < 0 ? DOCKER_HUB : name.slice(0, slash).toLowerCase();
  const host = given === INDEX_OF_HUB ? DOCKER_HUB : given;
  const path = name.slice(slash + 1);
  const repository = host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
  return { host, repository, ...defined({ tag, digest }) };
}

/** Whether a reference names one image, not just its repository. */
export function isWhole({ tag, digest }: RegistryReference): boolean {
  return tag !== undefined || digest !== undefined;
}

/** The one image that a reference leads to: beside a digest a tag says nothing, and without either it is `latest`. */
export function exactReference({ tag, digest, ...place }: RegistryReference): RegistryReference {
  return digest === undefined ? { ...place, tag: tag ?? 'latest' } : { ...place, digest };
}

/** `docker.io/library/busybox`. */
export function repositoryOf({ host, repository }: RegistryReference): string {
  return `${host}/${repository}`;
}

/** Whether a reference, or its name alone, begins with a host. */
export function hasHost(name: string): boolean {
  const [first = '', ...rest] = name.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
}

/** In full: `docker.io/library/busybox:latest`. */
export function formatRegistryReference({ tag, digest, ...place }: RegistryReference): string {
  return formatReference({ name: repositoryOf(place), ...defined({ tag, digest }) });
}

/** The host that answers for a registry. */
export function wireHost(host: string): string {
  return host === DOCKER_HUB ? API_OF_HUB : host;
}
