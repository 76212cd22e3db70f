/** Hashes the tar of a shared layer. See `inflate-ring.ts`. */
import { checkCancelled } from '../tasks/control.js';
import type { DigestTarTask, TarDigests } from '../tasks/import.js';
import { readRing } from '../tasks/ring.js';
import { TarDigest } from './tar-digest.js';

export function digestRing(task: DigestTarTask): TarDigests {
  const digest = new TarDigest(task);
  for (const chunk of readRing(task.ring, 1)) {
    checkCancelled(task.control);
    digest.update(chunk);
  }
  return digest.finish();
}
