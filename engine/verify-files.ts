/** Has the workers look whether files of the store are what their names say. */
import type { Finding, VerifyResult } from '../workers/check-tasks.js';
import type { Control } from '../workers/task-parts.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import type { ObjectRecord } from './index/records.js';
import { eachOf } from './pool.js';

export interface Look {
  control: Control;
  /** Sizes, times and metadata only. */
  quick: boolean;
}

/** A file and the hash that it must have. */
export interface HashedFile {
  path: string;
  /** Hex digits. */
  sha512: string;
  size: number;
}

/** Looks at objects and their further copies. Findings go by the names of the files, `…+1` for a copy. */
export async function verifyObjects(
  { layout, pool }: StoreContext,
  objects: Iterable<readonly [name: string, record: ObjectRecord]>,
  look: Look,
): Promise<VerifyResult> {
  const tasks = batches(withCopies(objects), ([, { size }]) => size);
  const results = await eachOf(tasks, pool.size, (batch) => {
    const skipped: Record<string, string[]> = {};
    for (const [name, record] of batch) if (record.skipped !== undefined) skipped[name] = record.skipped;
    return pool.run<'verify-objects'>({
      kind: 'verify-objects',
      ...look,
      objects: layout.objects,
      names: batch.map(([name]) => name),
      sizes: Float64Array.from(batch, ([, { size }]) => size),
      skipped,
    });
  });
  return sum(results);
}

function* withCopies(
  objects: Iterable<readonly [name: string, record: ObjectRecord]>,
): Generator<readonly [name: string, record: ObjectRecord]> {
  for (const [name, record] of objects) {
    yield [name, record];
    for (let n = 1; n <= record.copies; n++) yield [`${name}+${n}`, record];
  }
}

/** Looks at files that are nothing but bytes. Findings go by path. */
export async function verifyBlobs(
  { pool }: Pick<StoreContext, 'pool'>,
  files: Iterable<HashedFile>,
  look: Look,
): Promise<VerifyResult> {
  const tasks = batches(files, ({ size }) => size);
  return sum(
    await eachOf(tasks, pool.size, (blobs) => pool.run<'verify-blobs'>({ kind: 'verify-blobs', ...look, blobs })),
  );
}

function sum(results: readonly VerifyResult[]): VerifyResult {
  const findings: Finding[] = results.flatMap((result) => result.findings);
  return { bytes: results.reduce((total, { bytes }) => total + bytes, 0), findings };
}
