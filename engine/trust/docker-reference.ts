/** References as policies and signatures write them: in full, or in Docker's short form. */
import { defined } from '../core/defined.js';
import { isRegistryReference, parseReference } from '../image/oci/reference.js';

/** An image in a registry, in full. */
export interface RegistryImage {
  /** With its port, if there is one: `docker.io`, `localhost:5000`. */
  host: string;
  /** `library/busybox` */
  repository: string;
  tag?: string;
  digest?: string;
}

const DOCKER = 'docker.io';

/** Reads a reference and fills in what Docker leaves out, but no tag. @returns undefined for what is none */
export function parseDockerReference(text: string): RegistryImage | undefined {
  if (!isRegistryReference(text)) return undefined;
  const { name, tag, digest } = parseReference(text);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const host = isHost && first !== 'index.docker.io' ? first : DOCKER;
  const path = isHost ? name.slice(slash + 1) : name;
  const repository = host === DOCKER && !path.includes('/') ? `library/${path}` : path;
  return { host, repository, ...defined({ tag, digest }) };
}

/** `docker.io/library/busybox` */
export function repositoryOf({ host, repository }: RegistryImage): string {
  return `${host}/${repository}`;
}

/** An image that is asked for by its repository alone is the one with the tag `latest`. */
export function withTag(image: RegistryImage): RegistryImage {
  return image.tag === undefined && image.digest === undefined ? { ...image, tag: 'latest' } : image;
}

/** The whole reference. */
export function writeReference(image: RegistryImage): string {
  const { tag, digest } = image;
  return `${repositoryOf(image)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
