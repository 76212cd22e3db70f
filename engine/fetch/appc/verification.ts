/** Holds an ACI against its signatures, with the keys that count for its name. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import type { VerifiedSignature } from '../../index/records.js';
import { beginVerification, type TrustedKeys, verifySignature } from '../../trust/index.js';
import type { SignatureSource } from './signature-source.js';

/** The keys that count for the images of a name. */
export type KeysFor = (name: string) => Promise<TrustedKeys>;

export interface VerifiedArchive {
  signature: VerifiedSignature;
  /** The file with signatures. */
  signatures: Buffer;
  /** Of the bytes that were verified. */
  digest: string;
}

const READ_AT_ONCE = 2 ** 20;

export class Verification {
  readonly #source: SignatureSource;
  readonly #keysFor: KeysFor;
  readonly #reading: { highWaterMark: number; signal?: AbortSignal };

  constructor(source: SignatureSource, keysFor: KeysFor, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#keysFor = keysFor;
    this.#reading = { highWaterMark: READ_AT_ONCE, ...defined({ signal }) };
  }

  /**
   * What can be said before the image is fetched: whether there are signatures, and if the name is known, whether any
   * is by a key that counts.
   * @throws CairnError as {@link beginVerification} does
   */
  async begin(name: string | undefined): Promise<void> {
    const signature = await this.#source.early();
    if (signature === undefined || name === undefined) return;
    await beginVerification({ signature, keys: await this.#keysFor(name) });
  }

  /** @throws CairnError as {@link verifySignature} does */
  async finish(name: string, path: string): Promise<VerifiedArchive> {
    const signatures = await this.#source.late();
    const bytes = createHash('sha256');
    const keys = await this.#keysFor(name);
    const content = passing(fs.createReadStream(path, this.#reading), (part) => bytes.update(part));
    const { fingerprint, by } = await verifySignature({ content, signature: signatures, keys });
    const signature = { key: fingerprint, by, at: Date.now() };
    return { signature, signatures, digest: `sha256:${bytes.digest('hex')}` };
  }
}

async function* passing(stream: AsyncIterable<Buffer>, hear: (part: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const part of stream) {
    hear(part);
    yield part;
  }
}

/**
 * Whether a signature that was good still is: keys may have expired, or been revoked or masked, since.
 * @param key the fingerprint of the key whose signature it was
 */
export async function mustStillCount(signatures: Buffer, key: string, keys: TrustedKeys): Promise<void> {
  const own = keys.keys.filter((each) => each.key.getFingerprint() === key);
  await beginVerification({ signature: signatures, keys: { ...keys, keys: own } });
}

/**
 * The bytes that were verified must be those that were read for the import: somebody may have changed the file in
 * between.
 * @throws CairnError `ERR_BAD_SIGNATURE`
 */
export function mustBeVerified({ digest }: VerifiedArchive, read: string | undefined): void {
  if (digest === read) return;
  const why = 'the file was changed while it was read: what was verified is not what would come in';
  throw new CairnError('ERR_BAD_SIGNATURE', why, { expected: digest, ...(read === undefined ? {} : { found: read }) });
}
