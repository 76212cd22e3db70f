/** Reads files with detached OpenPGP signatures. */
import type { SignaturePacket } from 'openpgp';
import { CairnError } from '../core/errors.js';
import { MAX_SIGNATURE_FILE, MAX_SIGNATURES } from '../core/limits.js';
import { blocksIn } from './armor.js';
import { loadOpenPgp } from './library.js';
import { messageOf } from './message-of.js';

/**
 * All signatures of a file, armored or binary. Those of kinds that are not known are left out.
 * @throws CairnError `ERR_BAD_SIGNATURE`, `ERR_LIMIT`
 */
export async function readSignatures(bytes: Uint8Array): Promise<SignaturePacket[]> {
  if (bytes.byteLength > MAX_SIGNATURE_FILE) throw tooMuch(`${bytes.byteLength} bytes`, MAX_SIGNATURE_FILE);
  const blocks = blocksIn(bytes);
  if (blocks.length === 0) throw bad('it is neither armored nor binary OpenPGP data');
  const { readSignature, SignaturePacket: Known } = await loadOpenPgp();
  const packets: SignaturePacket[] = [];
  try {
    for (const block of blocks) {
      const signature =
        'armored' in block
          ? await readSignature({ armoredSignature: block.armored })
          : await readSignature({ binarySignature: block.binary });
      packets.push(...signature.packets);
    }
  } catch (error) {
    throw bad(messageOf(error), error);
  }
  if (packets.length > MAX_SIGNATURES) throw tooMuch(`${packets.length} signatures`, MAX_SIGNATURES);
  const known = packets.filter((packet) => packet instanceof Known);
  if (known.length === 0) throw bad('it has no signature of a kind that is known');
  return known;
}

function bad(why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_SIGNATURE', `this is no detached signature: ${why}`, { cause });
}

function tooMuch(found: string, most: number): CairnError {
  return new CairnError('ERR_LIMIT', `a file with signatures has ${found}, more than ${most}`, { found });
}
