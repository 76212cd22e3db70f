/** What the server is at, for people who look: imports, renders, collections, and large transfers. */
import type { Progress } from '../core/operation.js';

export interface RunningWork {
  id: number;
  what: string;
  /** The image or blob that it is about. */
  about: string;
  begun: number;
  progress?: Progress;
}

export class Running {
  readonly #all = new Map<number, RunningWork>();
  #next = 1;

  list(): RunningWork[] {
    return [...this.#all.values()];
  }

  /** @returns how to tell how far it is, and that it has ended */
  begin(what: string, about: string): { onProgress: (progress: Progress) => void; end: () => void } {
    const work: RunningWork = { id: this.#next++, what, about, begun: Date.now() };
    this.#all.set(work.id, work);
    return {
      onProgress: (progress) => {
        work.progress = progress;
      },
      end: () => {
        this.#all.delete(work.id);
      },
    };
  }

  async during<T>(
    what: string,
    about: string,
    run: (onProgress: (progress: Progress) => void) => Promise<T>,
  ): Promise<T> {
    const { onProgress, end } = this.begin(what, about);
    try {
      return await run(onProgress);
    } finally {
      end();
    }
  }
}
