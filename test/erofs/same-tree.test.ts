/** A mounted tree is the tree of files, entry for entry; `dist/test/long/mounted-trees.js` compares hundreds. */
import { test } from 'node:test';
import { cannotMountTrees, mountingDirectory } from '../fixtures/mounting.js';
import { compareTrees } from './same-tree.js';

test('any tree is the same mounted and as files', { skip: cannotMountTrees() }, async (t) => {
  await compareTrees(mountingDirectory(t), { runs: 30, fsck: false });
});
