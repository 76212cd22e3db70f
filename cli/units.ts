/** Durations, sizes and counts as people type and read them. */
import { InvalidArgumentError } from 'commander';

const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** Ten thousand years. Durations far beyond leave the range of dates. */
const LONGEST_MS = 10_000 * 366 * 86_400_000;
const DECIMAL = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `30s`, `15m`, `1h30m`, `7d`, `0`. @returns milliseconds */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isWhole && !/^0+(?:\.0+)?$/.test(text))
    throw new InvalidArgumentError('A duration is a number with a unit: 30s, 15m, 1h30m, 7d.');
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (DURATIONS[unit as string] as number), 0);
  if (ms > LONGEST_MS) throw new InvalidArgumentError('A duration is no longer than ten thousand years.');
  return ms;
}

/** `500MB` (10^6), `10GiB` (2^30), `4096`. @returns bytes */
export function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)$/i.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * factorOf(match[2] as string);
  if (!Number.isSafeInteger(Math.round(bytes)))
    throw new InvalidArgumentError('A size is a number with a unit: 500MB, 10GiB.');
  return Math.round(bytes);
}

/** As {@link parseSize}, but with a unit: a forgotten one would mean bytes, and empty a store. */
export function parseStorage(text: string): number {
  if (/^[1-9][0-9.]*$/.test(text)) throw new InvalidArgumentError('A size is a number with a unit: 500MB, 10GiB.');
  return parseSize(text);
}

function factorOf(unit: string): number {
  const upper = unit.toUpperCase();
  const long = upper === '' || upper.endsWith('B') ? upper || 'B' : `${upper}B`;
  const decimal = DECIMAL.indexOf(long);
  if (decimal >= 0) return 1000 ** decimal;
  const binary = BINARY.findIndex((name) => name.toUpperCase() === long);
  return binary >= 0 ? 1024 ** binary : Number.NaN;
}

export function parseCount(text: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new InvalidArgumentError('A count is a whole number above zero.');
  return Number(text);
}

export function parseInteger(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.');
  return Number(text);
}

export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < DECIMAL.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${DECIMAL[unit]}`;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** How long ago, in one unit. */
export function formatAge(iso: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${unit} ago`;
  }
  return `${seconds}s ago`;
}
