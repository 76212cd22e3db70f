/**
 * Pax extended headers as cairn writes them, beside a package that packs archives. Values are bytes: the package
 * would write them as text and damage binary ones.
 */
import { type ByteString, toBuffer } from '../../core/bytes.js';
import { BLOCK } from './header.js';

/** One record: `LENGTH KEYWORD=VALUE\n`. */
export function paxRecord(key: ByteString, value: Buffer): Buffer {
  const rest = Buffer.concat([toBuffer(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  // The length counts its own digits.
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}

/** A header block with its records, ready to stand before the entry that they are of. */
export function paxHeader(records: readonly Buffer[]): Buffer {
  const body = Buffer.concat(records);
  const header = Buffer.alloc(BLOCK);
  const field = (text: string, at: number): number => header.write(text, at, 'latin1');
  field('PaxHeaders/entry', 0);
  field('0000644\0', 100);
  field('0000000\0', 108);
  field('0000000\0', 116);
  field(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  field('00000000000\0', 136);
  field('        ', 148);
  field('x', 156);
  field('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  field(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, body, padding]);
}
