/**
 * Where objects lie, read from the index's file by a thread that has no index. While it reads, the main thread holds a
 * snapshot of the index.
 */

import { CairnError } from '../../core/errors.js';
import type { AddressBook, StoredObject } from '../../core/object.js';
import { fromPackedRow, PACKED_ROW_LENGTH, type PackedRow, storedObject } from '../../core/packed-row.js';
import { indexData } from '../../disk/layout.js';
import { LmdbFile } from '../../disk/lmdb-file.js';
import { hashInName } from './name.js';

const TABLE = 'objects';
const files = new Map<string, LmdbFile>();

/**
 * Finds what is committed when this is called.
 * @param index its directory
 */
export function addressesAt(index: string): AddressBook {
  const path = indexData(index);
  const file = fileAt(path);
  file.refresh();
  return {
    find: (name) => {
      const row = file.get(TABLE, keyOf(name));
      return row === undefined ? undefined : decoded(row, path, name);
    },
  };
}

/** The file stays open. A store that was made anew at the same place has another one. */
function fileAt(path: string): LmdbFile {
  const known = files.get(path);
  if (known?.isAt(path) === true) return known;
  known?.close();
  const file = new LmdbFile(path);
  files.set(path, file);
  return file;
}

/** As the index stores names: the hash as bytes, then what follows the dot. */
function keyOf(name: string): Buffer {
  const hash = hashInName(name);
  return Buffer.concat([Buffer.from(hash, 'hex'), Buffer.from(name.slice(hash.length + 1), 'latin1')]);
}

function decoded(row: Buffer, path: string, name: string): StoredObject {
  const numbers = numbersIn(row);
  if (numbers !== undefined) return storedObject(fromPackedRow(numbers));
  throw new CairnError('ERR_DAMAGED', 'the index has a row that is no object in a pack', { path, entry: name });
}

/** The first byte of a short list in MessagePack, to which its length is added. */
const LIST = 0x90;
const LARGEST_SHORT = 0x7f;

/** Reads a list of numbers in MessagePack. */
function numbersIn(row: Buffer): PackedRow | undefined {
  if (row[0] !== LIST + PACKED_ROW_LENGTH) return undefined;
  const numbers: number[] = [];
  for (let at = 1; at < row.length; ) {
    const [number, length] = numberAt(row, at);
    if (number === undefined || !Number.isSafeInteger(number) || number < 0) return undefined;
    numbers.push(number);
    at += length;
  }
  return numbers.length === PACKED_ROW_LENGTH ? (numbers as unknown as PackedRow) : undefined;
}

/** @returns the number, and how many bytes it takes */
function numberAt(row: Buffer, at: number): [number: number | undefined, length: number] {
  const tag = row[at] as number;
  const rest = row.length - at - 1;
  if (tag <= LARGEST_SHORT) return [tag, 1];
  if (tag === 0xcc && rest >= 1) return [row.readUInt8(at + 1), 2];
  if (tag === 0xcd && rest >= 2) return [row.readUInt16BE(at + 1), 3];
  if (tag === 0xce && rest >= 4) return [row.readUInt32BE(at + 1), 5];
  if (tag === 0xcb && rest >= 8) return [row.readDoubleBE(at + 1), 9];
  if (tag === 0xcf && rest >= 8) return [Number(row.readBigUInt64BE(at + 1)), 9];
  return [undefined, 1];
}
