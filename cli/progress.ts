/** A line on a terminal that says how far an operation is. It is not shown within the first second. */
import type { Progress } from '../engine/core/operation.js';
import { printable } from '../engine/core/printable.js';
import { formatSize } from './units.js';

const QUIET_MS = 1000;
const REDRAW_MS = 100;
/** Fewer columns than these tell nobody anything. */
const LEAST_WORDS = 8;

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
    // The last column stays free: some terminals begin a new line once it is written to.
    const width = Math.max(1, (this.#out.columns || 80) - 1);
    this.#out.write(`\r\x1b[K${describe(progress, now - this.#begun, width)}`);
  };

  clear(): void {
    if (this.#drawn) this.#out.write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** The numbers come whole; the words before them get what room is left. */
function describe({ what, unit, done, total }: Progress, elapsedMs: number, width: number): string {
  const format = unit === 'bytes' ? formatSize : String;
  const rate = unit === 'bytes' ? `, ${formatSize((done / elapsedMs) * 1000)}/s` : '';
  const left = total === undefined || done === 0 ? undefined : (elapsedMs * (total - done)) / done;
  const time = left === undefined ? `, ${formatSeconds(elapsedMs)}` : `, ${formatSeconds(left)} left`;
  // From the least important on, what does not fit is left out.
  const numbers: string[] = [];
  if (total !== undefined) {
    const share = `${Math.floor((100 * done) / Math.max(1, total))}%`;
    const whole = `${share} ${format(done)} of ${format(total)}`;
    numbers.push(
      `${whole}${rate}${time}`,
      `${whole}${time}`,
      `${share} ${format(done)}${time}`,
      `${share}${time}`,
      share,
    );
  } else numbers.push(`${format(done)}${rate}${time}`, `${format(done)}${time}`, format(done));
  const fitting = numbers.find((each) => each.length <= width) ?? '';
  const room = width - fitting.length - 2;
  if (room < LEAST_WORDS) return fitting;
  return `${cutTo(room, printable(what))}: ${fitting}`;
}

/** East Asian letters and pictures, which take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** The beginning of a text that takes no more than so many columns. */
function cutTo(columns: number, text: string): string {
  const widths = [...text].map((letter) => (WIDE.test(letter) ? 2 : 1));
  if (widths.reduce<number>((sum, width) => sum + width, 0) <= columns) return text;
  let used = 1;
  const kept = [...text].filter((_letter, i) => {
    used += widths[i] as number;
    return used <= columns;
  });
  return `${kept.join('')}…`;
}

function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
