/** Where objects lie: as the open index says, and as threads read it that have no open index. */
import type { AddressBook, StoredObject } from '../core/object.js';
import type { Environment } from './environment.js';
import { OBJECT_NAMES } from './keys.js';
import { openEnvironment } from './lmdb.js';
import type { Index } from './open.js';
import { DATABASES, READERS } from './open.js';
import type { ObjectRecord } from './records.js';
import { Table } from './table.js';

/** The main thread's. */
export function addressesIn({ objects }: Pick<Index, 'objects'>): AddressBook {
  return { find: (name) => found(objects.get(name)) };
}

function found(record: ObjectRecord | undefined): StoredObject | undefined {
  return record === undefined ? undefined : { size: record.size, at: record.at, isGone: record.gone === true };
}

interface Reader {
  environment: Environment;
  objects: Table<string, ObjectRecord>;
}

const readers = new Map<string, Reader>();

/**
 * Another thread's. It opens the index on the first look, in the way of the main thread, whose memory map it shares, and
 * keeps it open. What it finds is as committed when this is called.
 * @param path of the environment
 */
export function addressesAt(path: string): AddressBook {
  readers.get(path)?.environment.resetReadTxn();
  return { find: (name) => found(readerAt(path).objects.get(name)) };
}

function readerAt(path: string): Reader {
  const known = readers.get(path);
  if (known !== undefined) return known;
  const environment = openEnvironment({
    path,
    readOnly: true,
    maxDbs: DATABASES,
    maxReaders: READERS,
    overlappingSync: false,
  });
  const database = environment.openDB({ name: 'objects', keyEncoding: 'binary' });
  const objects = new Table<string, ObjectRecord>({
    ...{ name: 'objects', database, keys: OBJECT_NAMES, path, sums: undefined },
  });
  const reader = { environment, objects };
  readers.set(path, reader);
  return reader;
}
