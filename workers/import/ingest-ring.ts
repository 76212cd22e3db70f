/** The second worker of a shared layer: from ring to staging. See `inflate-ring.ts`. */
import { checkCancelled } from '../tasks/control.js';
import type { DecodeTask, IngestTask, LayerResult, TarDigests } from '../tasks/import.js';
import { readRing } from '../tasks/ring.js';
import { LayerSink } from './layer-sink.js';
import { TarDigest } from './tar-digest.js';

export function scanRing(task: IngestTask): LayerResult & TarDigests {
  const ring = task.ring as DecodeTask['ring'];
  const sink = new LayerSink(task);
  const digest = new TarDigest(task);
  try {
    for (const chunk of readRing(ring)) {
      checkCancelled(task.control);
      sink.push(chunk);
      digest.update(chunk);
    }
    return { ...digest.finish(), ...sink.finish() };
  } finally {
    sink.close();
  }
}
