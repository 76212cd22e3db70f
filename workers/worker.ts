/** The entry point of every thread: takes a task, loads what does it, calls that, and sends errors as data. */
import { workerData } from 'node:worker_threads';
import { CairnError, toCairnError } from '../engine/errors.js';
import type { Answer, Task, Tasks } from './protocol.js';

type Performers = { [K in keyof Tasks]: () => Promise<(task: Tasks[K][0]) => Tasks[K][1] | Promise<Tasks[K][1]>> };

/** A thread loads only what its tasks need: starting is what a short command waits for. */
const performers: Performers = {
  absorb: async () => (await import('./absorb.js')).absorb,
  'absorb-ring': async () => (await import('./absorb-ring.js')).absorbRing,
  'stage-objects': async () => (await import('./object-file.js')).stageObjects,
  pour: async () => (await import('./pour.js')).pour,
  peek: async () => (await import('./members.js')).peekMember,
  spool: async () => (await import('./members.js')).spool,
  'list-members': async () => (await import('./members.js')).listMembers,
  digest: async () => (await import('./input.js')).digestSource,
  place: async () => (await import('./place.js')).placeStaged,
  render: async () => (await import('./render.js')).renderShard,
  join: async () => (await import('./render.js')).joinLinks,
  settle: async () => (await import('./render.js')).settleDirectories,
  'verify-objects': async () => (await import('./verify.js')).verifyObjects,
  'verify-blobs': async () => (await import('./verify.js')).verifyBlobs,
  'survey-objects': async () => (await import('./survey.js')).surveyObjects,
  'verify-tree': async () => (await import('./verify-tree.js')).verifyTree,
  'export-layer': async () => (await import('./export.js')).exportLayer,
  'export-tree': async () => (await import('./export.js')).exportTree,
  'export-blob': async () => (await import('./export-blob.js')).exportBlob,
  'pack-files': async () => (await import('./export.js')).exportFiles,
  'clone-files': async () => (await import('./clone.js')).cloneFiles,
  remove: async () => (await import('./remove.js')).removePaths,
};

const first = workerData as keyof Tasks | null;
// While the one who will ask is still busy making up its mind.
if (first !== null) performers[first]().catch(() => {}); // the task itself will say why

export async function run(task: Task): Promise<Answer<unknown>> {
  try {
    const perform = (await performers[task.kind]()) as (task: Task) => unknown;
    return { value: await perform(task) };
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (error instanceof CairnError) return { error: error.toJSON() };
    throw error;
  }
}
