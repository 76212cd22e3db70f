/**
 * Mounts a tree from its image: an EROFS file system below an overlay. The kernel finds the contents of files in the
 * image's devices, or the overlay does in directories of objects. Nothing but the overlay is left to be seen.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { isCairnError } from '../core/errors.js';
import { createMount, type DetachedMount, type MountAttribute, type MountOption, unmount } from './mount.js';
import { mountAt } from './mounts.js';

export interface TreeParts {
  /** An EROFS image without contents. */
  image: string;
  /** Files with contents, in the order in which the image numbers them. */
  devices?: readonly string[];
  /** Directories of objects. */
  layers: readonly string[];
  /** A path to mount at for a moment, on kernels that cannot do without; nobody else uses it meanwhile. */
  scratch: string;
}

export interface TreeMount extends TreeParts {
  /** The name of the mount in the system's list. */
  label: string;
  attributes?: readonly MountAttribute[];
  /** Where changes go, on another file system than the scratch directory for them; without it nobody can make any. */
  changes?: {
    upper: string;
    work: string;
    /** Nothing of them is flushed, not even where a program asks for it. */
    volatile?: boolean;
  };
}

/**
 * Makes the mount, which is not attached anywhere yet.
 * @throws CairnError `ERR_UNSUPPORTED` where the machine or the user cannot mount trees, `ERR_IO`
 */
export function createTreeMount(tree: TreeMount): DetachedMount {
  const { image, devices = [], layers, scratch, label, attributes, changes } = tree;
  const contents = devices.map((device): MountOption => ['device', device]);
  const metadata = createMount({ type: 'erofs', options: [['source', image], ...contents, 'ro'] });
  try {
    return withPath(metadata, scratch, (lower) =>
      createMount({
        type: 'overlay',
        options: [
          ['source', label],
          ['lowerdir+', lower],
          ...layers.map((layer): MountOption => ['datadir+', layer]),
          ['metacopy', 'on'],
          ...changesTo(changes),
        ],
        ...(attributes === undefined ? {} : { attributes }),
      }),
    );
  } finally {
    metadata.close();
  }
}

function changesTo(changes: TreeMount['changes']): MountOption[] {
  if (changes === undefined) return ['ro'];
  return [['upperdir', changes.upper], ['workdir', changes.work], ...(changes.volatile === true ? ['volatile'] : [])];
}

/** Gives a detached mount a path for a while. Before Linux 6.15 an overlay takes no mount that is not attached. */
function withPath(mount: DetachedMount, scratch: string, use: (path: string) => DetachedMount): DetachedMount {
  try {
    return use(`/proc/self/fd/${mount.fd}`);
  } catch (error) {
    if (!isCairnError(error) || error.errno !== 'EINVAL') throw error;
  }
  return attachedAt(mount, scratch, use);
}

/** As {@link withPath}, attached. What a process that was killed left there goes first. */
export function attachedAt<T>(mount: DetachedMount, scratch: string, use: (path: string) => T): T {
  fs.mkdirSync(dirname(scratch), { mode: 0o700, recursive: true });
  fs.mkdirSync(scratch, { mode: 0o700, recursive: true });
  while (mountAt(scratch) !== undefined) unmount(scratch, { lazy: true });
  mount.attach(scratch);
  try {
    return use(scratch);
  } finally {
    unmount(scratch, { lazy: true });
    fs.rmdirSync(scratch);
  }
}
