/** How keys of tables are stored: hex digits as bytes, which halves their length and keeps their order. */
import { digestBytes, type Key, keyBytes, keyOf } from '../core/key.js';
import type { PackAddress } from '../core/object.js';
import type { StoredKey } from './environment.js';

export interface KeyCodec<K> {
  encode(key: K): StoredKey;
  decode(stored: StoredKey): K;
}

/** Texts and lists of texts as they are. */
export const asTheyAre = <K extends string | readonly string[]>(): KeyCodec<K> => ({
  encode: (key) => key,
  decode: (stored) => stored as K,
});

/** Keys of images, layers and blobs: 64 bytes. */
export const KEYS: KeyCodec<Key> = { encode: keyBytes, decode: (stored) => keyOf(stored as Buffer) };

/** `sha256:…`: 32 bytes. */
export const DIGESTS: KeyCodec<string> = {
  encode: digestBytes,
  decode: (stored) => `sha256:${(stored as Buffer).toString('hex')}`,
};

/** As many digits as the largest number has that is exact (2^53 - 1). */
const EVENT_DIGITS = 16;

/** Numbers of events, as texts of one length, whose order is theirs. */
export const EVENT_IDS: KeyCodec<number> = {
  encode: (id) => `${Math.max(0, id)}`.padStart(EVENT_DIGITS, '0'),
  decode: (stored) => Number(stored),
};

const HASH_BYTES = 64;
const HASH_DIGITS = 2 * HASH_BYTES;

/** Names of objects: the hash at the beginning as 64 bytes, then the text after its dot, if there is any. */
export const OBJECT_NAMES: KeyCodec<string> = {
  encode: (name) => {
    // Taken from Node's pool: tens of thousands of separate buffers would each be cleared and freed.
    const stored = Buffer.allocUnsafe(HASH_BYTES + Math.max(0, name.length - HASH_DIGITS - 1));
    const written = stored.write(name, 0, HASH_BYTES, 'hex');
    if (written < HASH_BYTES) stored.fill(0, written, HASH_BYTES);
    for (let i = HASH_BYTES; i < stored.length; i++) stored[i] = name.charCodeAt(i + HASH_DIGITS + 1 - HASH_BYTES);
    return stored;
  },
  decode: (stored) => {
    const bytes = stored as Buffer;
    const digits = bytes.toString('hex', 0, HASH_BYTES);
    return bytes.length === HASH_BYTES ? digits : `${digits}.${bytes.toString('latin1', HASH_BYTES)}`;
  },
};

/** An object or a blob that nothing needs any more. Its file stays until gc: an import may be about to rely on it. */
export type Orphan = { kind: 'object'; name: string } | { kind: 'blob'; key: Key };

const OBJECT_TAG = Buffer.from('o');
const BLOB_TAG = Buffer.from('b');

export const ORPHANS: KeyCodec<Orphan> = {
  encode: (orphan) =>
    orphan.kind === 'object'
      ? Buffer.concat([OBJECT_TAG, OBJECT_NAMES.encode(orphan.name) as Buffer])
      : Buffer.concat([BLOB_TAG, KEYS.encode(orphan.key) as Buffer]),
  decode: (stored) => {
    const bytes = stored as Buffer;
    const rest = bytes.subarray(1);
    return bytes[0] === OBJECT_TAG[0]
      ? { kind: 'object', name: OBJECT_NAMES.decode(rest) }
      : { kind: 'blob', key: KEYS.decode(rest) };
  },
};

/** In key order, no orphaned object comes before this one, and no orphaned blob after it. */
export const FIRST_ORPHANED_OBJECT: Orphan = { kind: 'object', name: '' };

const ID_BYTES = 4;
const OFFSET_BYTES = 8;

/** Numbers of packs: 4 bytes, so that they keep their order. */
export const PACK_IDS: KeyCodec<number> = {
  encode: (id) => {
    const stored = Buffer.alloc(ID_BYTES);
    stored.writeUInt32BE(id);
    return stored;
  },
  decode: (stored) => (stored as Buffer).readUInt32BE(),
};

/** A pack and a layer that was read into it: 68 bytes, or the pack alone in a range. */
export type PackLayer = readonly [pack: number, layer?: Key];

export const PACK_LAYERS: KeyCodec<PackLayer> = {
  encode: ([pack, layer]) => {
    const id = PACK_IDS.encode(pack) as Buffer;
    return layer === undefined ? id : Buffer.concat([id, KEYS.encode(layer) as Buffer]);
  },
  decode: (stored) => {
    const bytes = stored as Buffer;
    return [bytes.readUInt32BE(), KEYS.decode(bytes.subarray(ID_BYTES))];
  },
};

/** Places in packs: 12 bytes, so that they come in the order of the packs' bytes. */
export const PACK_ADDRESSES: KeyCodec<PackAddress> = {
  encode: ({ pack, offset }) => {
    const stored = Buffer.alloc(ID_BYTES + OFFSET_BYTES);
    stored.writeUInt32BE(pack);
    stored.writeBigUInt64BE(BigInt(offset), ID_BYTES);
    return stored;
  },
  decode: (stored) => {
    const bytes = stored as Buffer;
    return { pack: bytes.readUInt32BE(), offset: Number(bytes.readBigUInt64BE(ID_BYTES)) };
  },
};
