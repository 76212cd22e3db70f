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
