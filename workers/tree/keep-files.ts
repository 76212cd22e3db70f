/** Keeps files of a tree for other trees, in a store whose objects are no files themselves. */
import { fromText, toFsPath } from '../../engine/core/bytes.js';
import { below } from '../../engine/core/path.js';
import { homeAt } from '../../engine/objects/homes.js';
import { contentOf, unpackShard } from '../../engine/plan/shard.js';
import type { KeepFilesTask } from '../tasks/render.js';

/** Files with extended attributes are not kept: not every file system has taken them all. */
export function keepFiles({ root, objects, shard, anew }: KeepFilesTask): null {
  const home = homeAt(objects);
  const dir = fromText(root);
  for (const row of unpackShard(shard)) {
    if (row.type === 'file' && row.xattrs.length === 0) home.keep(contentOf(row), toFsPath(below(dir, row.path)), anew);
  }
  return null;
}
