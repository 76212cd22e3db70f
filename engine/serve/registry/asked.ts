/** What a client of registries asks, read from the URL of its request. */
import { HttpError } from '../http/errors.js';

export type Asked =
  | { kind: 'base' }
  | { kind: 'catalogue'; page: Page }
  | (InRepository &
      (
        | { kind: 'tags'; page: Page }
        | { kind: 'manifest'; reference: string }
        | { kind: 'blob'; digest: string }
        | { kind: 'referrers'; digest: string; artifactType: string | undefined }
      ));

interface InRepository {
  name: string;
  /** The registry that the client has in mind, when this one stands in for it. */
  ns: string | undefined;
}

export interface Page {
  /** How many at most. */
  n: number | undefined;
  /** Begins behind this one. */
  last: string | undefined;
}

/** The longest names, tags and digests together take less. */
const LONGEST_URL = 4096;
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${PART}(?:/${PART})*$`);
const LONGEST_NAME = 255;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** OCI image spec, digests. */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]{1,256}$/;
const LENGTHS: Readonly<Record<string, RegExp>> = { sha256: /^[0-9a-f]{64}$/, sha512: /^[0-9a-f]{128}$/ };
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?|\[[0-9a-fA-F:]{2,45}\])(?::[0-9]{1,5})?$/;

/** @throws HttpError 400 and 404 with the codes of registries */
export function parseAsked(url: string): Asked {
  if (url.length > LONGEST_URL) throw new HttpError(414, 'NAME_INVALID', 'the URL is too long');
  const { path, query } = parts(url);
  if (path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalogue', page: pageIn(query) };
  const [, name = '', kind = '', rest = ''] =
    /^\/v2\/(.+)\/(tags|manifests|blobs|referrers)\/([^/]*)$/.exec(path) ?? [];
  if (kind === '') throw new HttpError(404, 'UNSUPPORTED', 'there is nothing of this kind');
  if (name.length > LONGEST_NAME || !NAME.test(name))
    throw new HttpError(400, 'NAME_INVALID', 'not the name of a repository');
  const repository = { name, ns: namespaceIn(query) };
  if (kind === 'tags') {
    if (rest !== 'list') throw new HttpError(404, 'UNSUPPORTED', 'there is nothing of this kind');
    return { kind, ...repository, page: pageIn(query) };
  }
  if (kind === 'manifests') return { kind: 'manifest', ...repository, reference: referenceIn(rest) };
  const digest = digestIn(rest);
  if (kind === 'blobs') return { kind: 'blob', ...repository, digest };
  return { kind: 'referrers', ...repository, digest, artifactType: query.get('artifactType') ?? undefined };
}

function parts(url: string): { path: string; query: URLSearchParams } {
  const [, path = '', query = ''] = /^([^?#]*)\??([^#]*)/.exec(url) ?? [];
  try {
    return { path: decodeURIComponent(path), query: new URLSearchParams(query) };
  } catch {
    throw new HttpError(400, 'NAME_INVALID', 'the URL has bad escapes');
  }
}

function namespaceIn(query: URLSearchParams): string | undefined {
  const ns = query.get('ns') ?? undefined;
  if (ns === undefined || HOST.test(ns)) return ns;
  throw new HttpError(400, 'NAME_INVALID', 'ns is no host');
}

function referenceIn(text: string): string {
  if (text.includes(':')) return digestIn(text);
  if (TAG.test(text)) return text;
  throw new HttpError(400, 'MANIFEST_INVALID', 'neither a tag nor a digest');
}

function digestIn(text: string): string {
  const [algorithm = '', encoded = ''] = text.split(':');
  if (DIGEST.test(text) && (LENGTHS[algorithm]?.test(encoded) ?? true)) return text;
  throw new HttpError(400, 'DIGEST_INVALID', 'not a digest');
}

function pageIn(query: URLSearchParams): Page {
  const n = query.get('n');
  if (n !== null && !/^[0-9]{1,9}$/.test(n)) throw new HttpError(400, 'PAGINATION_NUMBER_INVALID', 'n is no number');
  return { n: n === null ? undefined : Number(n), last: query.get('last') ?? undefined };
}
