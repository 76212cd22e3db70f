/** Where objects lie, as the open index says. Threads without an index read its file, see `objects/pack`. */
import type { AddressBook } from '../core/object.js';
import { storedObject } from '../core/packed-row.js';
import type { Index } from './open.js';

export function addressesIn(index: Pick<Index, 'objects' | 'refresh'>): AddressBook {
  const { objects } = index;
  return {
    refresh: () => index.refresh(),
    find: (name) => {
      const record = objects.get(name);
      return record === undefined ? undefined : storedObject(record);
    },
  };
}
