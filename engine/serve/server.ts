/** Starts and ends the server: one HTTP server at one address, for one open store. */

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { CairnError } from '../core/errors.js';
import type { Store } from '../store.js';
import { type Address, DEFAULT_LISTEN, isLoopback, parseAddress, urlOf } from './http/address.js';
import { GRACE_MS, HTTP, LONGEST_PARAMETER, MOST_CONNECTIONS, STALLED_MS } from './http/connections.js';
import { doorTo } from './http/door.js';
import { documentOf, failureOf, HttpError } from './http/errors.js';
import { Guard } from './http/guard.js';
import { listenAt } from './http/listen.js';
import { Tokens } from './http/tokens.js';
import { tellTrouble } from './http/trouble.js';
import { Metrics } from './metrics.js';
import { registerPage } from './page/register.js';
import { registerRegistry } from './registry/v2.js';
import { routesOf } from './routes/all.js';
import { registerRoutes } from './routes/register.js';
import { Running } from './running.js';
import type { Serving } from './serving.js';

export interface ServeOptions {
  /** `HOST:PORT`, with port 0 any that is free, or `unix:PATH`. By default `127.0.0.1:15441`. */
  listen?: string;
  /** Requests may change the store. */
  write?: boolean;
  /** A file with tokens, one on each line. Wanted for addresses that other machines reach. */
  tokenFile?: string;
  /** Ends the server, as `close` does. */
  signal?: AbortSignal;
  /** Told what whoever runs the server should know: damage, and defects. */
  onNotice?: (message: string) => void;
}

export interface Server {
  /** `http://127.0.0.1:15441`, or `unix:PATH`. */
  readonly url: string;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
  /** Takes no more requests, and ends when those under way have been answered, or after ten seconds. */
  close(): Promise<void>;
}

export async function startServer(store: Store, options: ServeOptions): Promise<Server> {
  const { listen = DEFAULT_LISTEN, write: mayWrite = false, tokenFile, signal, onNotice = () => {} } = options;
  const asked = parseAddress(listen);
  const tokens = tokenFile === undefined ? undefined : Tokens.read(tokenFile);
  if (tokens === undefined && asked.kind === 'tcp' && !isLoopback(asked.host)) throw needsToken(listen);
  const ending = new AbortController();
  const cutOff = new AbortController();
  const offer = await store.offer();
  const serving: Serving = {
    ...{ store, offer, mayWrite, running: new Running(), metrics: new Metrics() },
    ...{ ending: ending.signal, cutOff: cutOff.signal, notice: onNotice },
  };
  const http = createServer(HTTP);
  http.maxConnections = MOST_CONNECTIONS;
  const app = appBehind(http, new Guard(asked, tokens), serving);
  addHandlers(app, serving);
  registerRoutes(app, routesOf({ mayWrite, hasToken: tokens !== undefined }), serving);
  registerRegistry(app, serving);
  registerPage(app, serving);
  await app.ready();
  let address: Address;
  try {
    address = await listenAt(http, asked);
  } catch (error) {
    await app.close();
    await offer.close();
    throw error;
  }
  const close = once(async () => {
    await end(http, ending, cutOff);
    await app.close();
    await offer.close();
  });
  const closed = new Promise<void>((resolve, reject) => {
    http.once('close', () => close().then(resolve, reject));
  });
  closed.catch(() => undefined);
  signal?.addEventListener('abort', () => void close(), { once: true });
  if (signal?.aborted === true) void close();
  return { url: urlOf(address), closed, close };
}

function needsToken(listen: string): CairnError {
  const why = 'other machines can reach it; --token-file names a file with the tokens that are let in';
  return new CairnError('ERR_USAGE', `${listen}: ${why}`);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

function appBehind(http: HttpServer, guard: Guard, serving: Serving): FastifyInstance {
  const routeOf = (request: IncomingMessage): string => routes.get(request) ?? 'none';
  const app = fastify({
    serverFactory: (handler) => http.on('request', doorTo(handler, guard, serving.metrics, routeOf)),
    frameworkErrors: (error, request, reply) => void answerFailure(error, request, reply, serving),
    exposeHeadRoutes: false,
    connectionTimeout: STALLED_MS,
    return503OnClosing: true,
    forceCloseConnections: false,
    routerOptions: { maxParamLength: LONGEST_PARAMETER, ignoreTrailingSlash: false },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, useDefaults: true } },
  });
  // Of the framework's own only JSON is left: no form of a page, and no text, gets past a browser's questions.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
  http.setTimeout(STALLED_MS);
  return app;
}

/** Routes of requests by their patterns: counts of all that is asked would have no end. */
const routes = new WeakMap<IncomingMessage, string>();

function addHandlers(app: FastifyInstance, serving: Serving): void {
  app.addHook('onRequest', async (request) => {
    routes.set(request.raw, request.routeOptions.url ?? 'none');
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answerFailure(error, request, reply, serving));
  app.setNotFoundHandler((request, reply) =>
    answerFailure(new HttpError(404, 'ERR_NOT_FOUND', 'there is nothing here'), request, reply, serving),
  );
}

/** Headers of bytes that were about to be sent. */
const OF_BYTES = ['etag', 'accept-ranges', 'docker-content-digest', 'content-disposition', 'content-length'];

function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply, serving: Serving): FastifyReply {
  const failure = failureOf(error);
  tellTrouble(serving, request, error);
  const document = documentOf(request.url, failure);
  for (const name of OF_BYTES) reply.removeHeader(name);
  // What may be left of a body is not worth reading.
  if (request.raw.complete === false) reply.header('connection', 'close');
  return reply
    .code(failure.status)
    .headers({ ...failure.headers })
    .type('application/json')
    .send(request.method === 'HEAD' ? undefined : JSON.stringify(document));
}

/** Listeners are told at once, and come back elsewhere; the others have their time. */
async function end(http: HttpServer, ending: AbortController, cutOff: AbortController): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeIdleConnections();
  ending.abort();
  const late = setTimeout(() => {
    cutOff.abort();
    http.closeAllConnections();
  }, GRACE_MS);
  const idle = setInterval(() => http.closeIdleConnections(), 50);
  await closed;
  clearTimeout(late);
  clearInterval(idle);
}
