/**
 * Four workers share a layer, with rings of shared memory between them. This one reads and decodes the tar. Two take
 * what it decodes: one hashes the tar (`digest-ring.ts`), the other scans it and hashes its files (`ingest-ring.ts`).
 * The last writes the small files (`object-file.ts`), or a pack (`pack-file.ts`).
 */
import type { DecodeTask, SourceResult } from '../tasks/import.js';
import { RingWriter } from '../tasks/ring.js';
import { readSource } from './input.js';

export async function decodeToRing(task: DecodeTask): Promise<SourceResult> {
  const writer = new RingWriter(task.ring);
  const result = await readSource(task, { room: () => writer.room(), take: (chunk) => writer.write(chunk) });
  writer.end();
  return result;
}
