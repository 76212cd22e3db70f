/** The entry point of every thread: takes a task, loads and calls its function, and sends errors as data. */
import { workerData } from 'node:worker_threads';
import { closePacks } from '../engine/objects/pack/pack-files.js';
import { answerOf } from './tasks/answer.js';
import type { Answer, Task, Tasks } from './tasks/protocol.js';

type Performers = { [K in keyof Tasks]: () => Promise<(task: Tasks[K][0]) => Tasks[K][1] | Promise<Tasks[K][1]>> };

/** A thread loads only what its tasks need: short commands wait for their threads to start. */
const performers: Performers = {
  ingest: async () => (await import('./import/ingest.js')).ingest,
  'ingest-small': async () => (await import('./import/ingest.js')).ingestSmall,
  scan: async () => (await import('./import/ingest-ring.js')).scanRing,
  'digest-tar': async () => (await import('./import/digest-ring.js')).digestRing,
  'write-objects': async () => (await import('./import/object-file.js')).writeObjects,
  'write-pack': async () => (await import('./import/pack-file.js')).writePack,
  'append-objects': async () => (await import('./import/repack.js')).appendObjects,
  'unpack-objects': async () => (await import('./import/repack.js')).unpackObjects,
  decode: async () => (await import('./import/inflate-ring.js')).decodeToRing,
  peek: async () => (await import('./import/list-members.js')).peekMember,
  spool: async () => (await import('./import/list-members.js')).spool,
  'list-members': async () => (await import('./import/list-members.js')).listMembers,
  digest: async () => (await import('./import/input.js')).digestSource,
  place: async () => (await import('./import/place.js')).placeStaged,
  render: async () => (await import('./tree/render.js')).renderShard,
  'keep-files': async () => (await import('./tree/keep-files.js')).keepFiles,
  join: async () => (await import('./tree/render.js')).joinLinks,
  'finish-directories': async () => (await import('./tree/render.js')).finishDirectories,
  'verify-objects': async () => (await import('./verify/objects.js')).verifyObjects,
  'verify-blobs': async () => (await import('./verify/objects.js')).verifyBlobs,
  'survey-objects': async () => (await import('./verify/survey.js')).surveyObjects,
  'verify-tree': async () => (await import('./verify/tree.js')).verifyTree,
  'export-layer': async () => (await import('./export/export.js')).exportLayer,
  'export-tree': async () => (await import('./export/export.js')).exportTree,
  'export-erofs': async () => (await import('./export/export-erofs.js')).exportErofs,
  'export-blob': async () => (await import('./export/export-blob.js')).exportBlob,
  'pack-files': async () => (await import('./export/export.js')).exportFiles,
  'clone-blobs': async () => (await import('./files/clone.js')).cloneBlobs,
  'clone-pack': async () => (await import('./files/clone.js')).clonePack,
  'clone-objects': async () => (await import('./files/clone.js')).cloneObjects,
  remove: async () => (await import('./files/remove.js')).removePaths,
  'note-tree': async () => (await import('./walk/list.js')).noteTree,
  'list-tree': async () => (await import('./walk/list.js')).listTree,
  'copy-tree': async () => (await import('./walk/copy-tree.js')).copyTree,
  'compare-tree': async () => (await import('./walk/compare.js')).compareTree,
};

const first = workerData as keyof Tasks | null;
// The first task's code is loaded while the main thread still prepares the task.
if (first !== null) performers[first]().catch(() => {}); // the task itself will say why

export async function run(task: Task): Promise<Answer<unknown>> {
  try {
    return await answerOf(async () => {
      const perform = (await performers[task.kind]()) as (task: Task) => unknown;
      return perform(task);
    });
  } finally {
    // A thread may wait for its next task for as long as the store is open.
    closePacks();
  }
}
