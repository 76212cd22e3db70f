/** When to try again, and how long to wait before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../core/errors.js';

/** Answers that pass: too many requests, and a server or its gateway in trouble (RFC 9110 §15.6, RFC 6585 §4). */
export const PASSING_STATUSES: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

export interface RetryPolicy {
  /** Tries after the first. */
  retries: number;
  /** Before the first of them, in milliseconds. Each further pause is twice as long. */
  firstPauseMs: number;
  /** No pause is longer, but for its spread. A server that asks for a longer one is not asked again. */
  longestPauseMs: number;
  /** From 0 to 1: clients that were sent away together should not come back together. */
  random: () => number;
}

export const DEFAULT_RETRIES: Readonly<RetryPolicy> = {
  retries: 5,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  random: Math.random,
};

export function isPassingStatus(status: number): boolean {
  return PASSING_STATUSES.includes(status);
}

/**
 * The pause before a try. Clients of a server that asks for one spread over as much time again, and never come before
 * it.
 * @param attempt 0 for the first try after a failure
 * @param asked what the server asks for, in milliseconds
 * @returns milliseconds; `undefined` when there should be no further try
 */
export function pauseBefore(attempt: number, policy: Readonly<RetryPolicy>, asked?: number): number | undefined {
  const { retries, firstPauseMs, longestPauseMs, random } = policy;
  if (attempt >= retries) return undefined;
  const backOff = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
  if (asked === undefined) return backOff * (0.5 + random());
  return asked > longestPauseMs ? undefined : asked + Math.max(asked, backOff) * random();
}

/** Reads `Retry-After`, seconds or a date (RFC 9110 §10.2.3). @returns milliseconds */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** @throws CairnError `ERR_ABORTED` */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}
