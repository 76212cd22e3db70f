/**
 * The write path of one layer. Either one worker does it all, or three share it, with rings of shared memory between them: one
 * reads, inflates and hashes the tar, the next scans it and hashes its files, the last writes the small ones.
 */

import { checkCancelled } from './control.js';
import { readSource } from './input.js';
import { LayerSink } from './layer-sink.js';
import type { AbsorbResult, AbsorbTask, LayerResult, PourTask, SourceResult } from './protocol.js';
import { breakRing, RingWriter, readRing } from './ring.js';

/** Source to staging on this thread alone. */
export async function absorb(task: AbsorbTask): Promise<AbsorbResult> {
  const sink = new LayerSink(task);
  try {
    const source = await readSource(task, (chunk) => sink.push(chunk));
    return { ...source, ...sink.finish() };
  } finally {
    sink.close();
  }
}

/** The first part: source to ring. */
export async function pour(task: PourTask): Promise<SourceResult> {
  const writer = new RingWriter(task.ring);
  try {
    const result = await readSource(task, (chunk) => writer.write(chunk));
    writer.end();
    return result;
  } catch (error) {
    breakRing(task.ring);
    throw error;
  }
}

/** The second part: ring to staging. */
export function absorbRing(task: AbsorbTask): LayerResult {
  const ring = task.ring as PourTask['ring'];
  const sink = new LayerSink(task);
  try {
    for (const chunk of readRing(ring)) {
      checkCancelled(task.control);
      sink.push(chunk);
    }
    return sink.finish();
  } catch (error) {
    breakRing(ring);
    if (task.parcels !== undefined) breakRing(task.parcels);
    throw error;
  } finally {
    sink.close();
  }
}
