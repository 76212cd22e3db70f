/** The write path of one layer, on one thread: source to staging. See `pour.ts` for how several share it. */
import type { AbsorbResult, AbsorbTask } from '../tasks/import.js';
import { readSource } from './input.js';
import { LayerSink } from './layer-sink.js';

export async function absorb(task: AbsorbTask): Promise<AbsorbResult> {
  const sink = new LayerSink(task);
  try {
    const source = await readSource(task, (chunk) => sink.push(chunk));
    return { ...source, ...sink.finish() };
  } finally {
    sink.close();
  }
}
