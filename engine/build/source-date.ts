/** The date of the source (`SOURCE_DATE_EPOCH`): no time in what is written is later. */
import { CairnError } from '../core/errors.js';
import type { PlanEntry } from '../plan/plan.js';

/** The last moment that a date can have in the documents, 31 December 9999. */
const LAST_SECOND = 253_402_300_799;

/**
 * @param text seconds since 1970, as the environment gives them; empty for none
 * @throws CairnError `ERR_USAGE`
 */
export function parseSourceDate(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= LAST_SECOND) return seconds;
  throw new CairnError('ERR_USAGE', `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, which is no time in seconds`);
}

/** As documents have it (RFC 3339). */
export function formatSourceDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The entry with no later time. */
export function clamped<T extends Pick<PlanEntry, 'sec' | 'nsec'>>(entry: T, latest: number | undefined): T {
  if (latest === undefined || entry.sec < latest || (entry.sec === latest && entry.nsec === 0)) return entry;
  return { ...entry, sec: latest, nsec: 0 };
}
