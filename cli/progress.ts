/** A line on a terminal that says how far an operation is. It is not shown within the first second. */
import type { Progress } from '../engine/core/operation.js';
import { formatSize } from './units.js';

const QUIET_MS = 1000;
const REDRAW_MS = 100;

export class ProgressLine {
  readonly #begun = performance.now();
  readonly #out = process.stderr;
  #drawnAt = 0;
  #drawn = false;

  readonly show = (progress: Progress): void => {
    const now = performance.now();
    if (now - this.#begun < QUIET_MS || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#drawn = true;
    const text = describe(progress, now - this.#begun);
    this.#out.write(`\r\x1b[K${text.slice(0, Math.max(20, (this.#out.columns ?? 80) - 1))}`);
  };

  clear(): void {
    if (this.#drawn) this.#out.write('\r\x1b[K');
    this.#drawn = false;
  }
}

function describe({ what, unit, done, total }: Progress, elapsedMs: number): string {
  const format = unit === 'bytes' ? formatSize : String;
  const of = total === undefined ? '' : ` of ${format(total)} (${Math.floor((100 * done) / Math.max(1, total))}%)`;
  const rate = unit === 'bytes' ? `, ${formatSize((done / elapsedMs) * 1000)}/s` : '';
  return `${what}: ${format(done)}${of}${rate}, ${Math.round(elapsedMs / 1000)} s`;
}
