/** Ingests a layer on one thread, from source to staging. In `inflate-ring.ts` several threads share a layer. */
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
