/** Ingests layers on one thread, from source to staging. In `inflate-ring.ts` several threads share a layer. */
import { answerOf } from '../tasks/answer.js';
import type { IngestResult, IngestSmallTask, IngestTask } from '../tasks/import.js';
import type { Answer } from '../tasks/protocol.js';
import { readSource } from './input.js';
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
    const source = await readSource(task, { take });
    return { ...source, ...digest.finish(), ...sink.finish() };
  } finally {
    sink.close();
  }
}

/** What a layer that fails has appended to the pack, the next one writes over. */
export async function ingestSmall({ into, layers }: IngestSmallTask): Promise<Answer<IngestResult>[]> {
  const answers: Answer<IngestResult>[] = [];
  let { lane } = into;
  for (const layer of layers) {
    const answer = await answerOf(() => ingest({ ...into, ...layer, kind: 'ingest', lane }));
    answers.push(answer);
    const packed = 'value' in answer ? answer.value.packed : undefined;
    if (lane !== undefined && packed !== undefined) lane = { ...lane, base: packed.end };
  }
  return answers;
}
