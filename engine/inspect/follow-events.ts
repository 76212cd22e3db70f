/** Tells what happens to the store, by whatever process, while somebody listens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { aborted, throwIfAborted } from '../core/errors.js';
import { eventsAfter, hasMissed, lastEventId, type StoreEvent } from '../index/events.js';
import type { StoreContext } from '../session/context.js';

/** Between two looks at the journal, which cost some microseconds. */
const LOOK_EVERY_MS = 200;
/** Events that are read at a time: a listener who was away must not keep others waiting. */
const AT_ONCE = 500;

export interface EventsOptions {
  /** The number of the last event that the listener knows. By default only what comes is told. */
  after?: number;
  signal?: AbortSignal;
}

/** The listener was away for so long that events are gone. Whoever gets this looks at the store anew. */
export interface MissedEvents {
  /** The number of the last event by now; the next one is told. */
  id: number;
  at: number;
  event: 'missed';
}

export type ToldEvent = StoreEvent | MissedEvents;

/**
 * Events in order, none twice and none left out, until the signal fires.
 * @param contextOf gives the store as long as it is open
 * @throws CairnError `ERR_ABORTED`, `ERR_USAGE` when the store is closed
 */
export async function* followEvents(
  contextOf: () => StoreContext,
  { after, signal }: EventsOptions = {},
): AsyncGenerator<ToldEvent> {
  let last = after ?? lastEventId(contextOf().index);
  for (;;) {
    throwIfAborted(signal);
    const { index } = contextOf();
    index.refresh();
    const missed = hasMissed(index, last);
    if (missed) {
      last = lastEventId(index);
      yield { id: last, at: Date.now(), event: 'missed' };
      continue;
    }
    const events = [...eventsAfter(index, last, AT_ONCE)];
    for (const event of events) {
      last = event.id;
      yield event;
    }
    if (events.length < AT_ONCE) await pause(signal);
  }
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw aborted(signal?.reason);
  }
}
