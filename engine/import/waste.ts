/**
 * Gives back what an import has put into packs although the store has it. No row of the index has ever named these
 * parts, so nobody can have read them.
 */
import * as fs from 'node:fs';
import type { PackedLayer } from '../../workers/tasks/import.js';
import { punchDead } from '../content/punch-dead.js';
import { punch } from '../disk/file-ranges.js';
import type { Layout } from '../disk/layout.js';
import { packFileName } from '../objects/pack/format.js';
import { holesIn } from '../objects/pack/holes.js';
import { type StoreContext, sayLeftBehind } from '../session/context.js';

/**
 * What large contents took whose hash told that they are here: it is known only when they are written.
 *
 * The caller holds the pack's lock.
 * @returns the layer, with those parts that are left for a gc
 */
export function punchWaste(layout: Layout, packed: PackedLayer): PackedLayer {
  const { holes, rest } = holesIn(packed.wasted);
  if (holes.length === 0) return packed;
  const path = layout.pack(packFileName(packed.pack));
  try {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
    try {
      return holes.every((hole) => punch(fd, hole, path)) ? { ...packed, wasted: rest } : packed;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // They are dead in any case: the next gc tries again, and tells what keeps it from that.
    return packed;
  }
}

/** Less is left for a gc: it is not worth two waits for the disk. */
const WORTH_PUNCHING = 2 ** 20;

/**
 * What of these layers is dead as soon as their commit is durable: contents that another layer brought at the same
 * time, or all of a layer that another import was faster with. The operation that imports keeps a gc away.
 */
export async function punchDoubled(store: StoreContext, layers: Iterable<PackedLayer>): Promise<void> {
  try {
    for (const layer of layers) {
      await punchDead(store, layer, {
        least: WORTH_PUNCHING,
        commit: (change, rows) => store.index.commit(change, rows),
      });
    }
  } catch (error) {
    sayLeftBehind(store, error);
  }
}
