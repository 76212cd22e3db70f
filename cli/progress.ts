/**
 * Lines on a terminal that say how far an operation is, and the parts of it that are under way. They are not shown
 * within the first second.
 */
import type { OperationOptions, Progress } from '../engine/core/operation.js';
import { printable } from '../engine/core/printable.js';
import { formatSize } from './units.js';

const QUIET_MS = 1000;
const REDRAW_MS = 100;
/** Fewer columns than these tell nobody anything. */
const LEAST_WORDS = 8;
/** More parts than these nobody reads. */
const MOST_PARTS = 8;

type OnProgress = NonNullable<OperationOptions['onProgress']>;

/** Where something was when it was first heard of: what was done before then was not done at this rate. */
interface Begun {
  at: number;
  done: number;
}

export class ProgressLine {
  readonly #begun = performance.now();
  readonly #out = process.stderr;
  readonly #seen = new Map<string, Begun>();
  #drawnAt = 0;
  #drawn = 0;

  readonly show = (progress: Progress): void => {
    const now = performance.now();
    const all = [...shownParts(progress, (this.#out.rows || 24) - 2), progress];
    for (const each of all) this.#note(each, now);
    if (now - this.#begun < QUIET_MS || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    // The last column stays free: some terminals begin a new line once it is written to.
    const width = Math.max(1, (this.#out.columns || 80) - 1);
    const lines = all.map((each) => describe(each, this.#rateOf(each, now), width));
    this.#out.write(`${this.#erasing()}${lines.join('\n')}`);
    this.#drawn = lines.length;
  };

  clear(): void {
    if (this.#drawn > 0) this.#out.write(this.#erasing());
    this.#drawn = 0;
  }

  /** Erases the line that the cursor is in, and those above it that were drawn. */
  #erasing(): string {
    return `\r\x1b[K${'\x1b[A\r\x1b[K'.repeat(Math.max(0, this.#drawn - 1))}`;
  }

  /** What has parts may go on where it once was, and parts begin later than the whole. */
  #note(progress: Progress, now: number): void {
    if (this.#seen.has(nameOf(progress))) return;
    const { done, parts } = progress;
    const isFromHere = parts !== undefined || this.#seen.size > 0;
    this.#seen.set(nameOf(progress), isFromHere ? { at: now, done } : { at: this.#begun, done: 0 });
  }

  #rateOf(progress: Progress, now: number): Rate {
    const { done } = progress;
    const { at, done: before } = this.#seen.get(nameOf(progress)) as Begun;
    return { elapsedMs: now - this.#begun, perMs: (done - before) / Math.max(1, now - at) };
  }
}

function nameOf({ what, unit }: Progress): string {
  return `${unit} ${what}`;
}

/** A part that is all there is, or that is called like the whole, is the whole. */
function shownParts({ what, parts = [], done, total }: Progress, most: number): readonly Progress[] {
  const [only, ...more] = parts;
  const isWhole = only !== undefined && more.length === 0 && only.done === done && only.total === total;
  return isWhole ? [] : parts.filter((each) => each.what !== what).slice(0, Math.max(0, Math.min(most, MOST_PARTS)));
}

interface Rate {
  /** Since all of it began. */
  elapsedMs: number;
  perMs: number;
}

/** The numbers come whole; the words before them get what room is left. */
function describe({ what, unit, done, total }: Progress, { elapsedMs, perMs }: Rate, width: number): string {
  const format = unit === 'bytes' ? formatSize : String;
  const rate = unit === 'bytes' && perMs > 0 ? `, ${formatSize(perMs * 1000)}/s` : '';
  const left = total === undefined || perMs <= 0 ? undefined : (total - done) / perMs;
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

/**
 * Of many images nobody knows the bytes before the last has been opened. Until then, those that are done say how far it
 * is.
 */
export function ofMany(onProgress: OnProgress | undefined, total: number, done: () => number): OnProgress | undefined {
  if (onProgress === undefined || total < 2) return onProgress;
  return (progress) => {
    if (progress.total !== undefined) onProgress(progress);
    else onProgress({ ...progress, unit: 'items', done: Math.min(done(), total), total });
  };
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
