/**
 * Header blocks as cairn writes them, beside a package that packs archives: for pax records, and for numbers that the
 * package would cut off.
 */
import type { ByteString } from '../../core/bytes.js';
import { BLOCK } from './header.js';

/** Fields that are absent are 0, or empty. */
export interface HeaderFields {
  /** At most 100 bytes. */
  name: ByteString;
  flag: string;
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  mtime?: number;
  devMajor?: number;
  devMinor?: number;
}

/** A ustar header (POSIX.1-2017, "ustar Interchange Format"). A number that does not fit is spelled in base-256. */
export function headerBlock(fields: HeaderFields): Buffer {
  const header = Buffer.alloc(BLOCK);
  const text = (value: string, at: number): number => header.write(value, at, 'latin1');
  text(fields.name, 0);
  writeNumber(header, 100, 8, fields.mode);
  writeNumber(header, 108, 8, fields.uid);
  writeNumber(header, 116, 8, fields.gid);
  writeNumber(header, 124, 12, fields.size);
  writeNumber(header, 136, 12, fields.mtime);
  text('        ', 148);
  text(fields.flag, 156);
  text('ustar\x0000', 257);
  writeNumber(header, 329, 8, fields.devMajor);
  writeNumber(header, 337, 8, fields.devMinor);
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function writeNumber(header: Buffer, at: number, length: number, value = 0): void {
  const digits = value.toString(8).padStart(length - 1, '0');
  if (digits.length < length) header.write(`${digits}\0`, at, 'latin1');
  else {
    header.writeUIntBE(value, at + length - 6, 6);
    header[at] = 0x80;
  }
}
