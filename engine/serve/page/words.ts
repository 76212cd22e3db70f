/** Sizes, times and hashes as people read them. */

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** To the minute, in UTC: whoever looks may be elsewhere. */
export function timeText(at: number | string): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

/** As much of a key or a tree's id as lists show. */
export function shortHash(hash: string): string {
  return hash.slice(0, hash.indexOf('sha512-') + 'sha512-'.length + 12);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
