/** Lists all of a directory, or notes what is at given paths of it. */
import { packSeen, type Seen } from '../tasks/seen.js';
import type { Listing, ListTreeTask, NoteTreeTask } from '../tasks/walk.js';
import { Looker } from './look.js';

export function listTree({ root, control }: ListTreeTask): Listing {
  const looker = new Looker(root, control);
  try {
    const stat = looker.statOf('');
    if (stat !== undefined) looker.add('', stat);
    looker.addBelow('');
    return looker.finish();
  } finally {
    looker.close();
  }
}

export function noteTree({ root, control, paths }: NoteTreeTask): Seen {
  const looker = new Looker(root, control);
  try {
    return packSeen(paths.split('\0').map((path) => looker.statOf(path)));
  } finally {
    looker.close();
  }
}
