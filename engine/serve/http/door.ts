/**
 * What every request passes before the framework sees it, so that none gets around it, whatever its URL is: it is
 * counted, it is let in or not, and its answer gets the headers that all answers have.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from '../metrics.js';
import { documentOf, failureOf } from './errors.js';
import type { Guard } from './guard.js';

/** Answers are shown as what they say they are, in no frame, and to no other site. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** The route of a request, once it is known. */
export type RouteOf = (request: IncomingMessage) => string;

export function doorTo(inside: RequestListener, guard: Guard, metrics: Metrics, routeOf: RouteOf): RequestListener {
  return (request, response) => {
    const { socket, method = '' } = request;
    const before = socket.bytesWritten;
    metrics.inFlight++;
    response.once('close', () => {
      metrics.inFlight--;
      metrics.sentBytes += socket.bytesWritten - before;
      metrics.count(method, routeOf(request), response.statusCode);
    });
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    try {
      guard.check(request);
    } catch (error) {
      refuse(request, response, error);
      return;
    }
    inside(request, response);
  };
}

/** The rest of the request is not read, so the connection ends with it. */
function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const failure = failureOf(error);
  const body = JSON.stringify(documentOf(request.url ?? '/', failure));
  const headers = { ...failure.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  response.writeHead(failure.status, { ...headers, ...(isRead ? {} : { connection: 'close' }) });
  response.end(request.method === 'HEAD' ? undefined : body);
}
