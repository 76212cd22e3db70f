/**
 * Three workers share a layer, with rings of shared memory between them. This one reads, decodes and hashes the tar.
 * The next scans the tar and hashes its files (`ingest-ring.ts`). The last writes the small files (`object-file.ts`).
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
