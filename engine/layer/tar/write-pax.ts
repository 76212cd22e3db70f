/**
 * Pax extended headers as cairn writes them, beside a package that packs archives. Values are bytes: the package
 * would write them as text and damage binary ones.
 */
import { type ByteString, toBuffer } from '../../core/bytes.js';
import { BLOCK } from './header.js';
import { headerBlock } from './write-header.js';

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
  const header = headerBlock({ name: 'PaxHeaders/entry', flag: 'x', mode: 0o644, size: body.length });
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, body, padding]);
}
