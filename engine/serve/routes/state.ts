/** The server itself: whether it is up, what it counts, what it is at. */
import { HEALTH } from '../http/guard.js';
import { json, listOf, type Route, recordOf, TEXT } from './route.js';

export const STATE: readonly Route[] = [
  {
    id: 'getHealth',
    method: 'GET',
    path: HEALTH,
    summary: 'Says whether the store can be read. Needs no token.',
    answers: { 200: json('it can', recordOf({ status: TEXT })) },
    handle: async ({ store }) => {
      await store.counts();
      return { status: 'ok' };
    },
  },
  {
    id: 'getMetrics',
    method: 'GET',
    path: '/metrics',
    summary: 'Gives counts for Prometheus.',
    answers: { 200: { says: 'the counts', content: { 'text/plain': TEXT } } },
    handle: async ({ store, offer, metrics }, request, reply) => {
      const connections = await new Promise<number>((resolve) => {
        request.server.server.getConnections((_error, count) => resolve(count ?? 0));
      });
      const text = await metrics.text(store, { madeBytes: offer.madeBytes, connections });
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
    },
  },
  {
    id: 'getInfo',
    method: 'GET',
    path: '/api/v1/info',
    summary: 'Shows what the store is and holds, in numbers, and whether requests may change it.',
    answers: { 200: json('numbers', recordOf({ counts: { type: 'object' }, writable: { type: 'boolean' } })) },
    handle: async ({ store, mayWrite }) => ({ counts: await store.counts(), writable: mayWrite }),
  },
  {
    id: 'listWork',
    method: 'GET',
    path: '/api/v1/work',
    summary: 'Lists what the server is at.',
    answers: { 200: json('what it is at', recordOf({ work: listOf({ type: 'object' }) })) },
    handle: async ({ running }) => ({ work: running.list() }),
  },
];
