/**
 * Reads an object that a gc may move meanwhile, as happens to who reads without the use lock. Once the index tells of
 * the new place, the gc gives back nothing of a pack that somebody has open. So a place that the index still tells of
 * after its pack was opened is good for a read.
 */
import type { AddressBook, PackAddress } from '../../core/object.js';
import type { PackedPart } from './read-object.js';

/** @param at where the object lies, as was found just now */
export function movingPart(
  book: AddressBook,
  name: string,
  at: PackAddress,
  partAt: (at: PackAddress) => PackedPart,
): PackedPart {
  let place = at;
  const moving = { ...partAt(place), descriptor };
  function descriptor(): number {
    for (;;) {
      const part = partAt(place);
      const opened = attempt(part.descriptor);
      book.refresh?.();
      // What is not listed any more lies where it lay, as far as it is still there.
      const now = book.find(name)?.at ?? place;
      if (now.pack === place.pack && now.offset === place.offset) {
        if ('error' in opened) throw opened.error;
        moving.path = part.path;
        moving.offset = part.offset;
        return opened.fd;
      }
      place = now;
    }
  }
  return moving;
}

function attempt(open: () => number): { fd: number } | { error: unknown } {
  try {
    return { fd: open() };
  } catch (error) {
    return { error };
  }
}
