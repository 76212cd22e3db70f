/** The write path of one layer, on one thread: source to staging. See `pour.ts` for how several share it. */
import type { IngestResult, IngestTask } from '../tasks/import.js';
import { readSource } from './input.js';
import { LayerSink } from './layer-sink.js';

export async function ingest(task: IngestTask): Promise<IngestResult> {
  const sink = new LayerSink(task);
  try {
    const source = await readSource(task, (chunk) => sink.push(chunk));
    return { ...source, ...sink.finish() };
  } finally {
    sink.close();
  }
}
