/** What is to happen when, and the time, in seconds. Nothing happens between two events. */
import { Heap } from './heap.js';

export class Agenda {
  readonly #events = new Heap<() => void>();
  now = 0;

  at(time: number, event: () => void): void {
    this.#events.push(Math.max(time, this.now), event);
  }

  /** Runs until nothing is left to happen. */
  run(): void {
    for (let next = this.#events.least; next !== undefined; next = this.#events.least) {
      this.now = next.key;
      this.#events.pop()?.();
    }
  }
}
