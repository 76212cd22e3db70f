/** What a thread has put into a pack, as objects for the index. */
import type { PackedLayer } from '../../workers/tasks/import.js';
import type { NewObject } from '../index/objects.js';
import { packedName } from '../objects/pack/name.js';
import { readRows } from '../objects/pack/rows.js';

/** In the order of the rows. */
export function objectsInRows({ pack, rows }: Pick<PackedLayer, 'pack' | 'rows'>): NewObject[] {
  return Array.from(readRows(Buffer.from(rows.buffer, rows.byteOffset, rows.length)), ({ sha512, offset, size }) => {
    return { name: packedName(sha512), record: { size, refs: 1, copies: 0, at: { pack, offset } } };
  });
}
