/** What every long operation takes and tells. */

/** How far a long operation is. `total` is absent where it is not known beforehand. */
export interface Progress {
  what: string;
  unit: 'bytes' | 'items';
  done: number;
  total?: number;
}

/** Options that every long operation takes. */
export interface OperationOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** What is told of a long operation besides how far it is. */
export type ProgressOf = Omit<Progress, 'done'>;

/** What to hand to work that counts bytes and items; `undefined` where nobody listens. */
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
