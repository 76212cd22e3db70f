/** The entry point of every thread: takes a task, calls what does it, and sends errors as data. */
import { CairnError, toCairnError } from '../engine/errors.js';
import { absorb, absorbRing, pour } from './absorb.js';
import { placeStaged, removePaths } from './disk.js';
import { exportFiles, exportLayer, exportTree } from './export.js';
import { digestSource } from './input.js';
import { listMembers, peekMember, spool } from './members.js';
import { stageObjects } from './object-file.js';
import type { Answer, Task } from './protocol.js';
import { joinLinks, renderShard, settleDirectories } from './render.js';
import { verifyBlobs, verifyObjects } from './verify.js';
import { verifyTree } from './verify-tree.js';

function perform(task: Task): unknown {
  switch (task.kind) {
    case 'absorb':
      return absorb(task);
    case 'absorb-ring':
      return absorbRing(task);
    case 'stage-objects':
      return stageObjects(task);
    case 'pour':
      return pour(task);
    case 'peek':
      return peekMember(task);
    case 'spool':
      return spool(task);
    case 'list-members':
      return listMembers(task);
    case 'digest':
      return digestSource(task);
    case 'place':
      return placeStaged(task);
    case 'render':
      return renderShard(task);
    case 'join':
      return joinLinks(task);
    case 'settle':
      return settleDirectories(task);
    case 'verify-objects':
      return verifyObjects(task);
    case 'verify-blobs':
      return verifyBlobs(task);
    case 'verify-tree':
      return verifyTree(task);
    case 'export-layer':
      return exportLayer(task);
    case 'export-tree':
      return exportTree(task);
    case 'pack-files':
      return exportFiles(task);
    case 'remove':
      return removePaths(task);
  }
}

export async function run(task: Task): Promise<Answer<unknown>> {
  try {
    return { value: await perform(task) };
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (error instanceof CairnError) return { error: error.toJSON() };
    throw error;
  }
}
