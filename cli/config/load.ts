/** Loads a configuration file: reads it and checks it. Loaded itself only where there is a file. */
import { CairnError, isCairnError } from '../../engine/core/errors.js';
import { checkTable, type Scope, type Setting } from './check.js';
import type { Place } from './place.js';
import { readTable } from './read.js';

export interface Loaded {
  place: Place;
  /** `foreign`: it belongs to another user, and was not read. */
  state: 'read' | 'absent' | 'foreign';
  settings: readonly Setting[];
  /** What is wrong with it, as errors. */
  faults: readonly CairnError[];
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_IO` */
export async function loadFile(place: Place, scope: Scope): Promise<Loaded> {
  try {
    const table = await readTable(place);
    if (table === undefined) return { place, state: 'foreign', settings: [], faults: [] };
    const found = [...checkTable(table, place, scope)];
    return {
      place,
      state: 'read',
      settings: found.filter((each): each is Setting => !(each instanceof CairnError)),
      faults: found.filter((each) => each instanceof CairnError),
    };
  } catch (error) {
    if (!isCairnError(error, 'ERR_CONFIG')) throw error;
    return { place, state: 'read', settings: [], faults: [error] };
  }
}
