/** Stands for a database that an index of an earlier version does not have, where the index is only read. */
import type { Database } from './environment.js';

const isOnlyRead = (): never => {
  throw new Error('an index that is open for reading only is not changed');
};

export const NO_DATABASE: Database = {
  get: () => undefined,
  doesExist: () => false,
  put: isOnlyRead,
  remove: isOnlyRead,
  getRange: () => [],
  getKeys: () => [],
  getKeysCount: () => 0,
  encoder: { encode: isOnlyRead },
};
