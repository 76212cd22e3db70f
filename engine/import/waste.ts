/**
 * Gives back what large contents took in a pack before it turned out that the store has them: their hash is known only
 * when they are written. Nobody knows of these parts, so nobody can read them.
 */
import * as fs from 'node:fs';
import type { PackedLayer } from '../../workers/tasks/import.js';
import { punch } from '../disk/file-ranges.js';
import type { Layout } from '../disk/layout.js';
import { packFileName } from '../objects/pack/format.js';
import { holesIn } from '../objects/pack/holes.js';

/** The caller holds the pack's lock. @returns the layer, with those parts that are left for a gc */
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
