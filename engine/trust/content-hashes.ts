/**
 * Hashes content as OpenPGP signatures want it, piece by piece and without holding it. The library would want to read
 * the content itself; so it can pass by here on its way to somewhere else.
 */
import { createHash, type Hash } from 'node:crypto';
import type { SignaturePacket } from 'openpgp';

/** Hashes by their OpenPGP number, with the bytes of salt that a signature of version 6 has (RFC 9580, 9.5). */
const HASHES: Readonly<Record<number, { name: string; salt: number }>> = {
  8: { name: 'sha256', salt: 16 },
  9: { name: 'sha384', salt: 24 },
  10: { name: 'sha512', salt: 32 },
  11: { name: 'sha224', salt: 16 },
  12: { name: 'sha3-256', salt: 16 },
  14: { name: 'sha3-512', salt: 32 },
};
const WEAK: Readonly<Record<number, string>> = { 1: 'MD5', 2: 'SHA-1', 3: 'RIPEMD-160' };

/** Of a signature of a document as it is, byte for byte. That of a text is blind to how its lines end. */
const BINARY = 0;

/** Why a signature cannot vouch for a file's bytes, or undefined if it can. */
export function unfitness({ signatureType, hashAlgorithm, ...packet }: SignaturePacket): string | undefined {
  if (signatureType === 1) return 'it is made for text, and blind to how lines end';
  if (signatureType !== BINARY) return 'it is not the signature of a document';
  const hash = HASHES[hashAlgorithm ?? 0];
  if (hash === undefined) return `the hash ${WEAK[hashAlgorithm ?? 0] ?? hashAlgorithm} is too weak or not known`;
  if (packet.version === 6 && saltOf(packet).length !== hash.salt) return 'its salt has the wrong length';
  return undefined;
}

/** One hash for each way in which signatures want the same content hashed. */
export class ContentHashes {
  readonly #running = new Map<string, Hash>();

  /** @param packets that fit, see {@link unfitness} */
  constructor(packets: readonly SignaturePacket[]) {
    for (const packet of packets) {
      const [id, name, salt] = hashFor(packet);
      if (!this.#running.has(id)) this.#running.set(id, createHash(name).update(salt));
    }
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.#running.values()) hash.update(bytes);
  }

  /** What one of the packets has signed, if this was the content. */
  digestFor(packet: SignaturePacket): Uint8Array {
    const signed = packet.signatureData ?? new Uint8Array();
    const trailer = Buffer.alloc(6);
    trailer.writeUInt8(packet.version, 0);
    trailer.writeUInt8(0xff, 1);
    trailer.writeUInt32BE(signed.length, 2);
    const hash = this.#running.get(hashFor(packet)[0]) as Hash;
    return hash.copy().update(signed).update(trailer).digest();
  }
}

function hashFor(packet: SignaturePacket): [id: string, name: string, salt: Uint8Array] {
  const { name } = HASHES[packet.hashAlgorithm ?? 0] as { name: string };
  const salt = packet.version === 6 ? saltOf(packet) : new Uint8Array();
  return [`${name} ${Buffer.from(salt).toString('hex')}`, name, salt];
}

/** The library's types do not know of it. */
function saltOf(packet: object): Uint8Array {
  return (packet as { salt?: Uint8Array | null }).salt ?? new Uint8Array();
}
