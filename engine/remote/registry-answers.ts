/** What registries answer, and what is sent to them, in pieces of use to all requests. */
import { Readable } from 'node:stream';
import { CairnError } from '../core/errors.js';
import type { HttpResponse } from './http.js';
import { shownUrl } from './shown-url.js';

async function* counting(stream: Readable, from: number, onBytes: (sent: number) => void): AsyncGenerator<Buffer> {
  let sent = from;
  for await (const part of stream as AsyncIterable<Buffer>) {
    sent += part.length;
    onBytes(sent);
    yield part;
  }
}

/** @param onBytes hears how many bytes of the whole have been sent */
export function counted(stream: Readable, from: number, onBytes: ((sent: number) => void) | undefined): Readable {
  return onBytes === undefined ? stream : Readable.from(counting(stream, from, onBytes), { objectMode: false });
}

/** `Link: </v2/…>; rel="next"` (RFC 8288). Another host's page is none. */
export function nextPage({ headers, url }: HttpResponse): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(headers['link'] ?? '')?.[1];
  if (target === undefined) return undefined;
  const next = new URL(target, url);
  return next.origin === url.origin && next.href !== url.href ? next : undefined;
}

export function manifestsIn(index: unknown): unknown[] {
  const { manifests } = index as { manifests?: unknown };
  return Array.isArray(manifests) ? manifests : [];
}

export function parseAnswer(bytes: Buffer, url: URL): unknown {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Told below, as for any other text.
  }
  throw new CairnError('ERR_HTTP', `${shownUrl(url)} answers with what is no JSON object`);
}

export function tooMany(repository: string, most: number, what: string): CairnError {
  return new CairnError('ERR_LIMIT', `${repository} has more than ${most} ${what}`);
}

export function otherBytes(url: URL, expected: string, found: string): CairnError {
  return new CairnError('ERR_DIGEST_MISMATCH', `${shownUrl(url)}: expected ${expected}, but it is ${found}`, {
    expected,
    found,
  });
}
