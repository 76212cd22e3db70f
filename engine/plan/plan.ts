/**
 * A *plan* is the merged tree of an image: an entry for every path, computed in memory before a file is touched.
 * It depends on the layers alone, never on threads, clocks or the disk.
 */
import type { ByteString } from '../core/bytes.js';
import type { NodeType } from '../core/metadata.js';
import type { TocEntry } from '../layer/toc.js';

export interface PlanEntry extends Omit<TocEntry, 'type' | 'file'> {
  type: NodeType;
  /** The first path (in byte order) of all that share this inode; `''` for an entry with no other name. */
  group: ByteString;
  /** Position of the entry's layer, in the order given to the planner; -1 for a directory that no layer declares. */
  layer: number;
  /**
   * Of a file, the position of the layer that brought its content: a lower one for a hard link to a file there. And
   * which file of that layer's table of contents it is, see {@link TocEntry.file}. Both -1 where no table says that.
   */
  home: number;
  file: number;
}

export interface Plan {
  /** In byte order of their paths, the root first. */
  entries: readonly PlanEntry[];
  /** Names of regular files. */
  files: number;
  /** Bytes of regular files, each inode once. */
  bytes: number;
}

/** An entry with default metadata: owned by root, of time 0, empty. @param layer as {@link PlanEntry.layer} */
export function plainEntry(path: ByteString, type: 'file' | 'dir', mode: number, layer: number): PlanEntry {
  return {
    path,
    type,
    mode,
    uid: 0,
    gid: 0,
    sec: 0,
    nsec: 0,
    size: 0,
    key: '',
    link: '',
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    group: '',
    layer,
    home: -1,
    file: -1,
  };
}
