/**
 * What is known of URLs from which images came: of what state the bytes are that have come so far, and to which image
 * the last whole ones led. A note may be missing, old or damaged, as in any cache: then all comes anew. It has no URL,
 * since that may have a secret in it, but its hash.
 */
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { isKey, type Key } from '../core/key.js';
import { makeOnce, writeFileDurably } from '../disk/durable.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';

export interface UrlNote {
  /** The state of the bytes that have come so far: see `validatorOf`. */
  coming?: string;
  /** What came last. */
  came?: CameFromUrl;
}

export interface CameFromUrl {
  image: Key;
  /** Bytes of its archive. */
  size: number;
  /** As the server called its state. */
  etag?: string;
  modified?: string;
  /** When the server said so: milliseconds since 1970. */
  at: number;
  /** Milliseconds from then for which it need not be asked again. */
  fresh: number;
  /** What was verified: the file with signatures, as base64, and the key whose signature was good. */
  signed?: { signatures: string; key: string };
}

/** How a URL is called in the store. */
export function hashOfUrl(url: URL): string {
  return hash('sha256', url.href);
}

export function readUrlNote({ layout }: StoreContext, hex: string): UrlNote {
  try {
    const { coming, came } = JSON.parse(fs.readFileSync(layout.urlNote(hex), 'utf8')) as UrlNote;
    const note: UrlNote = {};
    if (typeof coming === 'string') note.coming = coming;
    if (came !== undefined && isCame(came)) note.came = came;
    return note;
  } catch {
    return {};
  }
}

function isCame({ image, size, at, fresh, etag, modified, signed }: CameFromUrl): boolean {
  const isText = (value: unknown): boolean => typeof value === 'string';
  const isOptionalText = (value: unknown): boolean => value === undefined || isText(value);
  if (!isText(image) || !isKey(image)) return false;
  if ([size, at, fresh].some((value) => typeof value !== 'number')) return false;
  if (!isOptionalText(etag) || !isOptionalText(modified)) return false;
  return signed === undefined || (isText(signed?.signatures) && isText(signed?.key));
}

/** Who writes a note holds the lock of its URL. */
export function writeUrlNote({ layout }: StoreContext, hex: string, note: UrlNote): void {
  const path = layout.urlNote(hex);
  makeOnce(dirname(path));
  writeFileDurably(path, JSON.stringify(note));
}

/**
 * Deletes notes that lead to no image, and to no beginning of one. Called while nobody fetches. A failure gives a
 * notice, and keeps nothing else from being swept.
 */
export function dropUrlNotes(store: StoreContext): void {
  const { layout } = store;
  try {
    for (const name of fs.existsSync(layout.fetching) ? fs.readdirSync(layout.fetching) : []) {
      const [, hex] = NOTE.exec(name) ?? [];
      if (hex === undefined || fs.existsSync(join(layout.fetching, hex))) continue;
      const { came } = readUrlNote(store, hex);
      const isLed = came !== undefined && store.index.image(came.image) !== undefined;
      if (!isLed) fs.rmSync(layout.urlNote(hex), { force: true });
    }
  } catch (error) {
    sayLeftBehind(store, error);
  }
}

const NOTE = /^([0-9a-f]{64})\.json$/;
