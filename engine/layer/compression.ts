/** Tells from an archive's first bytes how it is compressed. Its name is not asked. */
import type { Compression } from '../../workers/tasks/parts.js';
import { CairnError } from '../core/errors.js';
import { BLOCK, checksumFits, isZeroBlock } from './tar/header.js';

const MAGICS: readonly { name: Compression; bytes: Buffer }[] = [
  { name: 'gzip', bytes: Buffer.from([0x1f, 0x8b]) },
  { name: 'bzip2', bytes: Buffer.from('BZh', 'latin1') },
  { name: 'xz', bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) },
  { name: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
];

const SKIPPABLE = 0x184d2a50;

/**
 * @param head the first 512 bytes, or all of a shorter file
 * @param path for errors
 * @throws CairnError `ERR_NOT_AN_IMAGE`
 */
export function identifyBytes(head: Buffer, path: string): Compression {
  const magic = MAGICS.find(({ bytes }) => head.subarray(0, bytes.length).equals(bytes));
  if (magic !== undefined) return magic.name;
  if (head.length === BLOCK && (checksumFits(head, 0) || isZeroBlock(head, 0))) return 'none';
  if (beginsSkippable(head)) return 'zstd';
  if (head.length === 0) throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is empty`, { path });
  const what = looksLikeText(head) ? 'text, not an image' : 'not an image: neither a tar archive nor a compressed one';
  throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is ${what}`, { path });
}

/** Whether it begins with a frame that decoders of zstd pass over (RFC 8878, section 3.1.2), as pzstd's streams do. */
function beginsSkippable(head: Buffer): boolean {
  return head.length >= 4 && (head.readUInt32LE(0) & 0xffff_fff0) >>> 0 === SKIPPABLE;
}

function looksLikeText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b);
}
