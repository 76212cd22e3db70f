/** Options and progress that all long operations share. */

/** How far a long operation is. `total` is absent if nobody knows it beforehand. */
export interface Progress {
  what: string;
  unit: 'bytes' | 'items';
  done: number;
  total?: number;
  /** What it is made of, as far as that is under way: the blobs of a fetch. */
  parts?: readonly Progress[];
}

/** Options that every long operation takes. */
export interface OperationOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** The fields of {@link Progress} that stay the same through an operation. */
export type ProgressOf = Omit<Progress, 'done' | 'parts'>;

/** Turns counts of bytes and items into progress; `undefined` if nobody listens to progress. */
export function telling(
  { onProgress }: OperationOptions,
  { what, unit, total }: ProgressOf,
): ((counts: { bytes: number; items: number }) => void) | undefined {
  if (onProgress === undefined) return undefined;
  return (counts) => {
    const done = counts[unit];
    if (total === undefined) onProgress({ what, unit, done });
    else onProgress({ what, unit, done: Math.min(done, total), total });
  };
}
