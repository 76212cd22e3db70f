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

export const REGISTRY_SCHEME = 'docker://';

const DOCKER_HUB = 'docker.io';
/** Docker Hub's API is on another host than its name says. */
const WIRE_HOSTS: ReadonlyMap<string, string> = new Map([
  [DOCKER_HUB, 'registry-1.docker.io'],
  ['index.docker.io', 'registry-1.docker.io'],
]);

/**
 * Reads `[docker://][HOST/]REPOSITORY[:TAG][@DIGEST]`. As everywhere, a first part without a dot or colon is no host but
 * `localhost`, no host means Docker Hub, and its images without a namespace are in `library`.
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function parseRegistryReference(text: string): RegistryReference {
  const plain = text.startsWith(REGISTRY_SCHEME) ? text.slice(REGISTRY_SCHEME.length) : text;
  if (!isRegistryReference(plain)) {
    const rule = 'must be [host[:port]/]repository[:tag][@sha256:digest], the repository in lower case';
    throw new CairnError('ERR_NAME_SYNTAX', `not a reference of a registry: ${quoted(text)}: ${rule}`);
  }
  const { name, tag, digest } = parseReference(plain);
  const [first = '', ...rest] = name.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const host = hasHost ? first : DOCKER_HUB;
  const path = hasHost ? rest.join('/') : name;
  const repository = host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
  const isUntold = tag === undefined && digest === undefined;
  return { host, repository, ...defined({ tag: isUntold ? 'latest' : tag, digest }) };
}

/** In full: `docker.io/library/busybox:latest`. */
export function formatRegistryReference({ host, repository, ...rest }: RegistryReference): string {
  return formatReference({ name: `${host}/${repository}`, ...rest });
}

/** The host that answers for a registry. */
export function wireHost(host: string): string {
  return WIRE_HOSTS.get(host) ?? host;
}
