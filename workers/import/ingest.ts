/** Ingests a layer on one thread, from source to staging. In `inflate-ring.ts` several threads share a layer. */
import type { IngestResult, IngestTask } from '../tasks/import.js';
import { readSource, takingWith } from './input.js';
import { LayerSink } from './layer-sink.js';
import { TarDigest } from './tar-digest.js';

export async function ingest(task: IngestTask): Promise<IngestResult> {
  const sink = new LayerSink(task);
  try {
    const digest = new TarDigest(task);
    const take = (chunk: Buffer): void => {
      sink.push(chunk);
      digest.update(chunk);
    };
    const source = await readSource(task, takingWith(take));
    return { ...source, ...digest.finish(), ...sink.finish() };
  } finally {
    sink.close();
  }
}
