/**
 * Whether keys may sign now, and what people want to know of them. A key that has expired or was revoked does not count
 * any more, also for what it signed before: who holds it now could have set the clock back.
 */
import type { PublicKey, SignaturePacket, Subkey } from 'openpgp';
import { messageOf } from './message-of.js';

/** `unusable`: too weak, not meant for signing, or not bound to its owner by a valid signature. */
export type KeyState = 'good' | 'expired' | 'revoked' | 'unusable';

export interface Judged {
  state: KeyState;
  /** Says what is wrong, unless the state is good. */
  why: string;
}

/** A key or one of its subkeys. */
export type Part = PublicKey | Subkey;

const GOOD: Judged = { state: 'good', why: '' };
/** The library's functions that take a signature do without one. */
const ANY_SIGNATURE = null as unknown as SignaturePacket;
const ANY_KEY = null as unknown as PublicKey['keyPacket'];
/** The library's functions that take a date then look at no date. */
const NO_DATE = null as unknown as Date;

/** Judges a part of a key that has signed something. */
export async function judgePart(key: PublicKey, part: Part, now: Date): Promise<Judged> {
  const whole = await judgeKey(key, now);
  if (whole.state !== 'good') return whole;
  if ('mainKey' in part) {
    const own = await judgeSubkey(part, now);
    if (own.state !== 'good') return own;
  }
  try {
    const found: Part = await key.getSigningKey(part.getKeyID(), now);
    // Two subkeys could have the same short id. Only the one that is bound to the key counts.
    if (found.getFingerprint() === part.getFingerprint()) return GOOD;
    return { state: 'unusable', why: 'it is not bound to its owner' };
  } catch (error) {
    return { state: 'unusable', why: messageOf(error) };
  }
}

/** Judges a key as a whole, whatever it is used for. */
export async function judgeKey(key: PublicKey, now: Date): Promise<Judged> {
  if (await key.isRevoked(ANY_SIGNATURE, ANY_KEY, now)) return { state: 'revoked', why: 'it was revoked' };
  const expired = expiry(await key.getExpirationTime(), now);
  if (expired !== undefined) return expired;
  try {
    await key.verifyPrimaryKey(now);
    return GOOD;
  } catch (error) {
    const why = messageOf(error);
    return { state: /\brevoked$/.test(why) ? 'revoked' : 'unusable', why };
  }
}

/** Judges whether a key can sign at all, with whatever part of it. */
async function judgeSigning(key: PublicKey, now: Date): Promise<Judged> {
  const whole = await judgeKey(key, now);
  if (whole.state !== 'good') return whole;
  try {
    await key.getSigningKey(undefined, now);
    return GOOD;
  } catch (error) {
    return { state: 'unusable', why: messageOf(error) };
  }
}

async function judgeSubkey(subkey: Subkey, now: Date): Promise<Judged> {
  if (await subkey.isRevoked(ANY_SIGNATURE, ANY_KEY, now)) return { state: 'revoked', why: 'the subkey was revoked' };
  return expiry(await subkey.getExpirationTime(NO_DATE), now) ?? GOOD;
}

/** @param until null if no valid signature says so */
function expiry(until: Date | typeof Infinity | null, now: Date): Judged | undefined {
  if (!(until instanceof Date) || until > now) return undefined;
  return { state: 'expired', why: `it expired at ${until.toISOString()}` };
}

export interface SubkeyDescription {
  fingerprint: string;
  algorithm: string;
  created: string;
  /** Null for one that does not expire. */
  expires: string | null;
  /** Whether it can sign now. */
  signs: boolean;
}

export interface KeyDescription {
  fingerprint: string;
  /** Names that the key itself has signed. */
  users: string[];
  algorithm: string;
  created: string;
  expires: string | null;
  state: KeyState;
  subkeys: SubkeyDescription[];
}

/** What people want to know of a key before they trust it. */
export async function describeKey(key: PublicKey, now = new Date()): Promise<KeyDescription> {
  const subkeys: SubkeyDescription[] = [];
  for (const subkey of key.subkeys) {
    const until = await subkey.getExpirationTime(NO_DATE);
    // One without a valid binding may be anybody's.
    if (until === null) continue;
    const signs = (await judgePart(key, subkey, now)).state === 'good';
    subkeys.push({ ...described(subkey), expires: dateOf(until), signs });
  }
  const { state } = await judgeSigning(key, now);
  const expires = dateOf(await key.getExpirationTime());
  return { ...described(key), users: await usersOf(key), expires, state, subkeys };
}

/** Algorithms whose names in the library are its own. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  rsaEncryptSign: 'RSA',
  rsaSign: 'RSA',
  rsaEncrypt: 'RSA',
  dsa: 'DSA',
  elgamal: 'Elgamal',
  ecdsa: 'ECDSA',
  ecdh: 'ECDH',
  eddsaLegacy: 'EdDSA',
};

function described(part: Part): { fingerprint: string; algorithm: string; created: string } {
  const { algorithm, bits, curve } = part.getAlgorithmInfo();
  return {
    fingerprint: part.getFingerprint(),
    algorithm: [ALGORITHMS[algorithm] ?? algorithm, bits, curve?.replace('Legacy', '')]
      .filter((each) => each !== undefined)
      .join(' '),
    created: part.getCreationTime().toISOString(),
  };
}

function dateOf(until: Date | typeof Infinity | null): string | null {
  return until instanceof Date ? until.toISOString() : null;
}

/** The names that the key itself has signed: anybody can add others. */
export async function usersOf({ users }: PublicKey): Promise<string[]> {
  const names: string[] = [];
  for (const user of users) {
    if (user.userID === null) continue;
    const isOwn = await user.verify(NO_DATE).catch(() => false);
    if (isOwn) names.push(user.userID.userID);
  }
  return names;
}

/** The name of a key's owner for a line of text; empty if it has none. */
export async function ownerOf(key: PublicKey, now: Date): Promise<string> {
  try {
    return (await key.getPrimaryUser(now)).user.userID?.userID ?? '';
  } catch {
    return (await usersOf(key))[0] ?? '';
  }
}
