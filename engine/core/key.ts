/**
 * Keys and digests. A *key* is `sha512-` and 128 lower-case hex digits: the sha512 of a blob's bytes, of a layer's
 * uncompressed ones. A *digest* is OCI's `sha256:` and 64 digits. People may shorten both to any unambiguous prefix.
 */
import { hash } from 'node:crypto';
import { CairnError } from './errors.js';

export type Key = `sha512-${string}`;

const KEY_PREFIX = 'sha512-';
const KEY_DIGITS = 128;
const DIGEST_PREFIX = 'sha256:';
const DIGEST_DIGITS = 64;
const MIN_DIGITS = 2;

/** The key of bytes with this sha512, given as 64 bytes. */
export function keyOf(sha512: Uint8Array): Key {
  return `${KEY_PREFIX}${Buffer.from(sha512.buffer, sha512.byteOffset, sha512.byteLength).toString('hex')}`;
}

/** The key of bytes with this sha512, given as hex digits. */
export function keyOfHex(sha512: string): Key {
  return `${KEY_PREFIX}${sha512}`;
}

/** The 64 bytes that a full key spells. */
export function keyBytes(key: Key): Buffer {
  return Buffer.from(key.slice(KEY_PREFIX.length), 'hex');
}

/** The 128 digits of a key. */
export function hexOf(key: Key): string {
  return key.slice(KEY_PREFIX.length);
}

/** Whether a text is a whole key. */
export function isKey(text: string): text is Key {
  return text.length === KEY_PREFIX.length + KEY_DIGITS && /^sha512-[0-9a-f]{128}$/.test(text);
}

/** A hash, or the beginning of one, that a person typed: its kind, and its digits in lower case. */
export interface HashPrefix {
  kind: 'key' | 'digest';
  hex: string;
  full: boolean;
}

/**
 * Reads an argument that begins as a key or a digest; `undefined` for any other argument.
 * @throws CairnError `ERR_KEY_SYNTAX` for another hash, and for digits that are not hexadecimal or too many;
 *   `ERR_KEY_TOO_SHORT` below two digits
 */
export function parseHashPrefix(text: string): HashPrefix | undefined {
  const lower = text.toLowerCase();
  const kind = lower.startsWith(KEY_PREFIX) ? 'key' : lower.startsWith(DIGEST_PREFIX) ? 'digest' : undefined;
  if (kind === undefined) {
    if (/^sha(1|224|256|384|512)[-:]/.test(lower)) {
      throw new CairnError(
        'ERR_KEY_SYNTAX',
        `${text}: keys begin with "${KEY_PREFIX}", digests with "${DIGEST_PREFIX}"`,
      );
    }
    return undefined;
  }
  const digits = kind === 'key' ? KEY_DIGITS : DIGEST_DIGITS;
  const hex = lower.slice(KEY_PREFIX.length);
  if (!/^[0-9a-f]*$/.test(hex)) throw new CairnError('ERR_KEY_SYNTAX', `${text}: not hexadecimal`);
  if (hex.length > digits) throw new CairnError('ERR_KEY_SYNTAX', `${text}: more than ${digits} digits`);
  if (hex.length < MIN_DIGITS) {
    throw new CairnError('ERR_KEY_TOO_SHORT', `${text}: give at least ${MIN_DIGITS} digits`);
  }
  return { kind, hex, full: hex.length === digits };
}

/** Fewer bare digits could be a word. */
const MIN_BARE_DIGITS = 12;

/** Reads the digits of a key or digest without what tells which, as other programs print ids. */
export function parseBareHash(text: string): HashPrefix[] | undefined {
  if (text.length < MIN_BARE_DIGITS || text.length > KEY_DIGITS || !/^[0-9a-f]+$/i.test(text)) return undefined;
  const hex = text.toLowerCase();
  const key = { kind: 'key', hex, full: hex.length === KEY_DIGITS } as const;
  if (hex.length > DIGEST_DIGITS) return [key];
  return [key, { kind: 'digest', hex, full: hex.length === DIGEST_DIGITS }];
}

/** The first and the last key or digest that begin with these digits, for an ordered range scan (both inclusive). */
export function hashRange({ kind, hex }: Pick<HashPrefix, 'kind' | 'hex'>): { start: string; end: string } {
  const [prefix, digits] = kind === 'key' ? [KEY_PREFIX, KEY_DIGITS] : [DIGEST_PREFIX, DIGEST_DIGITS];
  return { start: `${prefix}${hex.padEnd(digits, '0')}`, end: `${prefix}${hex.padEnd(digits, 'f')}` };
}

/** The digest of a document or archive. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${hash('sha256', bytes)}`;
}

/** The 32 bytes that a digest spells. */
export function digestBytes(digest: string): Buffer {
  return Buffer.from(digest.slice('sha256:'.length), 'hex');
}

/** The key of these bytes. */
export function keyOfBytes(bytes: Uint8Array): Key {
  return keyOf(hash('sha512', bytes, 'buffer'));
}

/** The beginning of a tree's id, before the key made from its layers. */
export const TREE_PREFIX = 'deps-';

/** Whether a text is meant as the id of a tree, whole or shortened. */
export function isTreeArgument(text: string): boolean {
  return text.startsWith(TREE_PREFIX);
}

/** Whether a text is the whole id of a tree. */
export function isTreeId(text: string): boolean {
  return isTreeArgument(text) && isKey(text.slice(TREE_PREFIX.length));
}
