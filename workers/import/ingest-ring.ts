/** The second worker of a shared layer: from ring to staging. See `inflate-ring.ts`. */
import { checkCancelled } from '../tasks/control.js';
import type { DecodeTask, IngestTask, LayerResult } from '../tasks/import.js';
import { readRing } from '../tasks/ring.js';
import { LayerSink } from './layer-sink.js';

export function scanRing(task: IngestTask): LayerResult {
  const ring = task.ring as DecodeTask['ring'];
  const sink = new LayerSink(task);
  try {
    for (const chunk of readRing(ring)) {
      checkCancelled(task.control);
      sink.push(chunk);
    }
    return sink.finish();
  } finally {
    sink.close();
  }
}
