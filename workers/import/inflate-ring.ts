/**
 * Three workers share the write path of one layer, with rings of shared memory between them: this one reads, inflates and hashes the
 * tar, the next scans it and hashes its files (`absorb-ring.ts`), the last writes the small ones (`object-file.ts`).
 */
import type { DecodeTask, SourceResult } from '../tasks/import.js';
import { RingWriter } from '../tasks/ring.js';
import { readSource } from './input.js';

export async function decodeToRing(task: DecodeTask): Promise<SourceResult> {
  const writer = new RingWriter(task.ring);
  const result = await readSource(task, (chunk) => writer.write(chunk));
  writer.end();
  return result;
}
