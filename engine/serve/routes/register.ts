/** Registers routes with the framework. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { DOCUMENT_MS, LARGEST_DOCUMENT } from '../http/connections.js';
import type { Serving } from '../serving.js';
import type { ApiRequest, Route } from './route.js';

export function registerRoutes(app: FastifyInstance, routes: readonly Route[], serving: Serving): void {
  for (const route of routes) {
    if (route.takesBytes === true) app.register(async (own) => registerUpload(own, route, serving));
    else app.route(optionsOf(route, serving));
  }
}

/** Passes the body on as it comes, whatever it says it is. */
function registerUpload(app: FastifyInstance, route: Route, serving: Serving): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.route({ ...optionsOf(route, serving), bodyLimit: Number.MAX_SAFE_INTEGER });
}

function optionsOf(route: Route, serving: Serving): RouteOptions {
  const { method, path, hasHead, query = {}, headers, body, takesBytes, handle } = route;
  return {
    method: hasHead === true ? [method, 'HEAD'] : method,
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: LARGEST_DOCUMENT,
    onRequest: async ({ raw }) => {
      if (takesBytes !== true) hurry(raw);
    },
    schema: {
      querystring: { type: 'object', properties: query, additionalProperties: false },
      ...(headers === undefined ? {} : { headers: { type: 'object', properties: headers } }),
      ...(body === undefined ? {} : { body: { ...body, additionalProperties: false } }),
    },
    preValidation: async (request: FastifyRequest) => {
      // A body without a field may be left out.
      if (body !== undefined && request.body === undefined) request.body = {};
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => handle(serving, request as ApiRequest, reply),
  };
}

/** Ends a request whose document comes too slowly. Only uploads may take their time. */
function hurry(request: IncomingMessage): void {
  const late = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, DOCUMENT_MS).unref();
  request.once('close', () => clearTimeout(late));
}
