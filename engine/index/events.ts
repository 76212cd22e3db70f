/**
 * The journal: what came into the store and what went, in the order in which it became visible. An event is written in
 * the transaction that makes its change visible, by whatever process. So no change lacks its event, and none of a
 * change that was taken back stays.
 */
import { shortName } from './images.js';
import type { MovedName } from './names.js';
import type { Index } from './open.js';
import type { EventRecord } from './records.js';

/**
 * Events that are kept. A listener that was away for longer is told that it missed some. They take some 5 MB, and a
 * fleet's busiest store has as many in a day.
 */
const MOST_EVENTS = 20_000;

/** An event with its number. Numbers rise by one. */
export interface StoreEvent extends EventRecord {
  id: number;
}

/** Notes an event, inside the transaction that makes it true. The oldest one goes for it, once there are many. */
export function noteEvent(index: Index, event: Omit<EventRecord, 'at'>): void {
  const now = Date.now();
  const last = lastEventId(index);
  // A journal that begins anew, as that of a rebuilt index does, has numbers that no earlier one had.
  const id = last === 0 ? now : last + 1;
  index.events.put(id, { at: now, ...event });
  if (index.events.has(id - MOST_EVENTS)) index.events.remove(id - MOST_EVENTS);
}

/** Notes that images lost names to another. */
export function noteMoved(index: Index, moved: readonly MovedName[]): void {
  for (const name of moved) noteEvent(index, { event: 'untagged', image: name.from, names: [shortName(name)] });
}

/** The number of the last event; 0 where there is none. */
export function lastEventId(index: Index): number {
  for (const id of index.events.keys({ reverse: true, limit: 1 })) return id;
  return 0;
}

/** Events after the one with this number, in order. @param limit how many at most */
export function* eventsAfter(index: Index, id: number, limit: number): Generator<StoreEvent> {
  for (const { key, value } of index.events.entries({ start: id + 1, limit })) yield { id: key, ...value };
}

/** The last events, in order. */
export function lastEvents(index: Index, limit: number): StoreEvent[] {
  return [...index.events.entries({ reverse: true, limit })].map(({ key, value }) => ({ id: key, ...value })).reverse();
}

/**
 * Whether events between this number and the oldest one that is kept are gone, or the number is of another journal.
 * @param id of the last event that somebody knows
 */
export function hasMissed(index: Index, id: number): boolean {
  const last = lastEventId(index);
  if (id === last) return false;
  // Nobody's first number is 1. Whoever knows of none has missed some only if some are gone.
  if (id === 0) return index.events.size >= MOST_EVENTS;
  return id > last || !(index.events.has(id) || index.events.has(id + 1));
}
