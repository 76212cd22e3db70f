/** The progress of a run of fetches: bytes that come, of each blob and of all, and then what becomes of them. */
import type { OperationOptions, Progress } from '../core/operation.js';

type OnProgress = NonNullable<OperationOptions['onProgress']>;

/** What is told of one blob. */
export interface BlobMeter {
  /** So many bytes of it are here. */
  has(bytes: number): void;
  /** No more will come: it is here, or will not be. */
  end(): void;
}

interface Blob {
  progress: Progress;
  isEnded: boolean;
}

export class FetchMeter {
  readonly #onProgress: OnProgress | undefined;
  readonly #blobs = new Set<Blob>();
  #what = 'fetching';
  /** Images that were asked for, and of which nobody knows yet how large they are. */
  readonly #unknown = new Set<string>();

  constructor(onProgress: OnProgress | undefined) {
    this.#onProgress = onProgress;
  }

  /** What is asked for. */
  expect(refs: readonly string[]): void {
    this.#what = refs.length === 1 ? `fetching ${refs[0]}` : `fetching ${refs.length} images`;
    for (const ref of refs) this.#unknown.add(ref);
  }

  /** What will come of an image is known by now, but for what it depends on. */
  known(ref: string): void {
    this.#unknown.delete(ref);
  }

  /** @param total bytes, if that is known */
  blob(what: string, total: number | undefined): BlobMeter {
    const progress: Progress = { what, unit: 'bytes', done: 0, ...(total === undefined ? {} : { total }) };
    const blob: Blob = { progress, isEnded: false };
    this.#blobs.add(blob);
    return {
      has: (bytes) => {
        progress.done = bytes;
        this.#tell();
      },
      end: () => {
        blob.isEnded = true;
        // One that did not come whole was not all of what was hoped for.
        if (progress.total !== undefined) progress.total = progress.done;
      },
    };
  }

  /** For imports. While bytes come these are what is told of. */
  readonly importing: OnProgress = (progress) => {
    const isComing = [...this.#blobs].some(({ isEnded }) => !isEnded);
    if (!isComing) this.#onProgress?.(progress);
  };

  #tell(): void {
    if (this.#onProgress === undefined) return;
    const all = [...this.#blobs].map(({ progress }) => progress);
    const done = all.reduce((sum, each) => sum + each.done, 0);
    const isKnown = this.#unknown.size === 0 && all.every(({ total }) => total !== undefined);
    const total = all.reduce((sum, each) => sum + (each.total ?? 0), 0);
    const parts = [...this.#blobs].filter(({ isEnded, progress }) => !isEnded && progress.done > 0);
    this.#onProgress({
      what: this.#what,
      unit: 'bytes',
      done,
      ...(isKnown ? { total: Math.max(done, total) } : {}),
      parts: parts.map(({ progress }) => ({ ...progress })),
    });
  }
}
