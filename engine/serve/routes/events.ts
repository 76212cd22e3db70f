/** What happens to the store, by whatever process, as server-sent events (WHATWG HTML, server-sent events). */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { isCairnError } from '../../core/errors.js';
import { MOST_LISTENERS } from '../http/connections.js';
import { HttpError } from '../http/errors.js';
import { one } from '../http/send.js';
import type { Serving } from '../serving.js';
import { type ApiRequest, named, type Route } from './route.js';

/** Silence is broken this often: whoever is between sees that the connection is used, and we that it broke. */
const BEAT_MS = 15_000;
/** How soon clients come back. */
const RETRY_MS = 1000;
const ID = { type: 'string', pattern: '^[0-9]{1,16}$' };

export const EVENTS: readonly Route[] = [
  {
    id: 'listenToEvents',
    method: 'GET',
    path: '/api/v1/events',
    summary: 'Tells what happens, as it happens. Whoever names the last event that they know misses none.',
    query: { after: { ...ID, description: 'as `Last-Event-ID`, for clients that cannot send it' } },
    headers: { 'last-event-id': { ...ID, description: 'the last event that is known' } },
    answers: {
      200: {
        says: 'events; `missed` says that there were more than are kept, so everything is to be looked at anew',
        content: { 'text/event-stream': named('Event') },
      },
    },
    handle: tellEvents,
  },
];

async function tellEvents({ store, metrics, ending }: Serving, request: ApiRequest, reply: FastifyReply) {
  if (metrics.listeners >= MOST_LISTENERS)
    throw new HttpError(503, 'ERR_LIMIT', `${MOST_LISTENERS} listen already`, { 'retry-after': '5' });
  const after = one(request.headers['last-event-id']) ?? (request.query as { after?: string }).after;
  const { raw } = reply.hijack();
  const gone = new AbortController();
  raw.on('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, ending]);
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  });
  const beat = setInterval(() => void (raw.writableNeedDrain || raw.write(':\n\n')), BEAT_MS);
  metrics.listeners++;
  try {
    await write(raw, `retry: ${RETRY_MS}\n\n`, signal);
    const from = after === undefined ? {} : { after: Number(after) };
    for await (const event of store.events({ ...from, signal })) await write(raw, eventText(event), signal);
  } catch (error) {
    // The client is gone, or the server ends: it comes back for the rest.
    if (!isCairnError(error, 'ERR_ABORTED') && !signal.aborted) raw.destroy(error as Error);
  } finally {
    clearInterval(beat);
    metrics.listeners--;
    raw.end();
  }
}

type Told = NonNullable<Awaited<ReturnType<ReturnType<Serving['store']['events']>['next']>>['value']>;

function eventText({ id, at, event, ...rest }: Told): string {
  const data = JSON.stringify({ id, at: new Date(at).toISOString(), event, ...rest });
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}

/** Waits for slow listeners: nothing is held for them but what they have not yet taken of one write. */
async function write(raw: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (raw.write(text)) return;
  await once(raw, 'drain', { signal });
}
