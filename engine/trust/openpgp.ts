/**
 * Holds a file against a detached OpenPGP signature. What is hashed are the file's bytes as they were transported, and
 * they are not held.
 */
import * as fs from 'node:fs';
import type { PublicKey, SignaturePacket } from 'openpgp';
import { CairnError, type ErrorCode, toCairnError } from '../core/errors.js';
import { ContentHashes, unfitness } from './content-hashes.js';
import { judgePart, ownerOf, type Part } from './key-state.js';
import { messageOf } from './message-of.js';
import { readSignatures } from './signature-packets.js';
import type { TrustedKeys } from './trusted-keys.js';

/** Who vouches for a file. */
export interface Verified {
  /** Of the key that is trusted, also if one of its subkeys has signed. */
  fingerprint: string;
  /** Of the key or subkey that has signed: 16 hexadecimal digits. */
  keyId: string;
  /** The name of the key's owner. Empty if the key has none. */
  by: string;
  signedAt: Date;
}

/** A signature whose key counts, while the content is still to come. */
export interface SignatureCheck {
  /** Takes the next bytes of the file. */
  update(bytes: Uint8Array): void;
  /** Judges, after the last byte. @throws CairnError `ERR_BAD_SIGNATURE` if it signs other bytes */
  finish(): Promise<Verified>;
}

const READ_AT_ONCE = 2 ** 20;

/** A signature with the key that it claims. */
interface Candidate {
  packet: SignaturePacket;
  key: PublicKey;
  part: Part;
}

/**
 * Verifies a file, which is read, or its bytes as they come. One good signature suffices.
 * @throws CairnError as {@link beginVerification} and {@link SignatureCheck.finish} do
 */
export async function verifySignature({
  content,
  ...asked
}: {
  content: string | AsyncIterable<Uint8Array>;
  signature: Uint8Array | undefined;
  keys: TrustedKeys;
  now?: Date;
}): Promise<Verified> {
  const check = await beginVerification(asked);
  try {
    const stream =
      typeof content === 'string' ? fs.createReadStream(content, { highWaterMark: READ_AT_ONCE }) : content;
    for await (const bytes of stream) check.update(bytes as Uint8Array);
  } catch (error) {
    throw toCairnError(error);
  }
  return check.finish();
}

/**
 * Reads a signature and judges the keys that it claims, before any of the content is there.
 * @throws CairnError `ERR_NO_SIGNATURE` where there is none, `ERR_BAD_SIGNATURE` for what is no signature,
 *   `ERR_UNTRUSTED_KEY`, `ERR_KEY_EXPIRED`, `ERR_KEY_REVOKED`, `ERR_LIMIT`
 */
export async function beginVerification({
  signature,
  keys,
  now = new Date(),
}: {
  signature: Uint8Array | undefined;
  keys: TrustedKeys;
  now?: Date;
}): Promise<SignatureCheck> {
  if (signature === undefined)
    throw new CairnError('ERR_NO_SIGNATURE', `${keys.name ?? 'the image'} must be signed, and is not`);
  const candidates: Candidate[] = [];
  const refusals: CairnError[] = [];
  for (const packet of await readSignatures(signature)) {
    const judged = await judge(packet, keys, now);
    if (judged instanceof CairnError) refusals.push(judged);
    else candidates.push(...judged);
  }
  if (candidates.length === 0) throw worstOf(refusals);
  const hashes = new ContentHashes(candidates.map(({ packet }) => packet));
  return {
    update: (bytes) => hashes.update(bytes),
    finish: async () => {
      for (const candidate of candidates) {
        const fault = await faultOf(candidate, hashes.digestFor(candidate.packet));
        if (fault === undefined) return verified(candidate, now);
        refusals.push(fault);
      }
      throw worstOf(refusals);
    },
  };
}

/** The keys that may have made a signature and may sign, or why none does. */
async function judge(packet: SignaturePacket, keys: TrustedKeys, now: Date): Promise<Candidate[] | CairnError> {
  const claimed = keys.keys.flatMap(({ key }) => partsWith(key, packet).map((part) => ({ packet, key, part })));
  if (claimed.length === 0) return untrusted(packet, keys);
  const unfit = unfitness(packet) ?? untimely(packet, now);
  if (unfit !== undefined) return badSignature(packet, unfit);
  if (packet.isExpired(now)) {
    const until = packet.getExpirationTime();
    const when = until instanceof Date ? ` at ${until.toISOString()}` : '';
    return new CairnError('ERR_KEY_EXPIRED', `the signature of key ${idOf(packet)} expired${when}`);
  }
  const good: Candidate[] = [];
  const refusals: CairnError[] = [];
  const revoked = new Set<string>();
  for (const candidate of claimed) {
    const { state, why } = await judgePart(candidate.key, candidate.part, now);
    const fingerprint = candidate.key.getFingerprint();
    if (state === 'revoked') revoked.add(fingerprint);
    if (state === 'good') good.push(candidate);
    else refusals.push(refusal(candidate, state, why));
  }
  // Of several copies of a key, an old one may not know yet that the key was revoked.
  const left = good.filter(({ key }) => !revoked.has(key.getFingerprint()));
  return left.length > 0 ? left : worstOf(refusals);
}

function partsWith(key: PublicKey, packet: SignaturePacket): Part[] {
  return [key, ...key.subkeys].filter((part) => part.getKeyID().equals(packet.issuerKeyID));
}

function untimely({ created }: SignaturePacket, now: Date): string | undefined {
  if (created === null) return 'it does not say when it was made';
  return created > now ? `it was made in the future, at ${created.toISOString()}` : undefined;
}

function refusal({ key, part }: Candidate, state: 'expired' | 'revoked' | 'unusable', why: string): CairnError {
  const which = `the key ${key.getFingerprint()}${part === key ? '' : `, subkey ${part.getFingerprint()},`}`;
  if (state === 'unusable') return new CairnError('ERR_BAD_SIGNATURE', `${which} cannot sign: ${why}`);
  return new CairnError(state === 'expired' ? 'ERR_KEY_EXPIRED' : 'ERR_KEY_REVOKED', `${which} does not count: ${why}`);
}

function untrusted(packet: SignaturePacket, { name, masked }: TrustedKeys): CairnError {
  const id = idOf(packet);
  const hidden = masked.find(({ key, fingerprint }) =>
    key === undefined ? fingerprint.slice(-16) === id : partsWith(key, packet).length > 0,
  );
  if (hidden !== undefined) {
    const { fingerprint, mask } = hidden;
    const message = `signed by the key ${fingerprint}, which is masked by ${mask}`;
    return new CairnError('ERR_UNTRUSTED_KEY', message, { path: mask, found: fingerprint });
  }
  const forWhom = name === undefined ? '' : ` for ${name}`;
  const how = `cairn trust add ${name === undefined ? '--root' : `--prefix ${name}`} KEY`;
  const message = `signed by the key ${id}, which is not trusted${forWhom}; "${how}" trusts it`;
  return new CairnError('ERR_UNTRUSTED_KEY', message, { found: id });
}

function badSignature(packet: SignaturePacket, why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_SIGNATURE', `the signature of key ${idOf(packet)} does not count: ${why}`, { cause });
}

/** Why a signature is not one of the content with this digest, or undefined if it is. */
async function faultOf({ packet, part }: Candidate, digest: Uint8Array): Promise<CairnError | undefined> {
  const { created, signatureType } = packet;
  const madeAt = created as Date;
  if (madeAt < part.getCreationTime()) return badSignature(packet, 'it is older than its key');
  try {
    // The library takes a digest that is here already, as it does for content that streams.
    Object.assign(packet, { hashed: digest });
    await packet.verify(part.keyPacket, signatureType as number, new Uint8Array(), madeAt, true);
    return undefined;
  } catch (error) {
    const why = messageOf(error);
    const isOther = /digest did not match|verification failed/i.test(why);
    return badSignature(packet, isOther ? 'it is one of other bytes' : why, error);
  }
}

async function verified({ packet, key }: Candidate, now: Date): Promise<Verified> {
  return {
    fingerprint: key.getFingerprint(),
    keyId: idOf(packet),
    by: await ownerOf(key, now),
    signedAt: packet.created as Date,
  };
}

function idOf({ issuerKeyID }: SignaturePacket): string {
  return issuerKeyID.toHex();
}

/** From what weighs most to what weighs least. */
const WEIGHTS: readonly ErrorCode[] = ['ERR_KEY_REVOKED', 'ERR_KEY_EXPIRED', 'ERR_BAD_SIGNATURE', 'ERR_UNTRUSTED_KEY'];

/** Of several signatures, none of which counts, the reason that tells most. */
function worstOf(refusals: readonly CairnError[]): CairnError {
  const weight = ({ code }: CairnError): number => WEIGHTS.indexOf(code);
  const [worst] = [...refusals].sort((a, b) => weight(a) - weight(b));
  return worst ?? new CairnError('ERR_BAD_SIGNATURE', 'there is no signature');
}
