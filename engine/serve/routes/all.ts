/** All routes of the API. */
import { CHANGES } from './changes.js';
import { EVENTS } from './events.js';
import { FILES } from './files.js';
import { IMAGES } from './images.js';
import { OPENAPI_PATH, openApiOf } from './openapi.js';
import { PODS } from './pods.js';
import type { Route } from './route.js';
import { STATE } from './state.js';
import { TREES } from './trees.js';

export function routesOf({ mayWrite, hasToken }: { mayWrite: boolean; hasToken: boolean }): readonly Route[] {
  const routes: Route[] = [...IMAGES, ...FILES, ...TREES, ...PODS, ...EVENTS, ...STATE, ...(mayWrite ? CHANGES : [])];
  routes.push({
    id: 'getOpenApi',
    method: 'GET',
    path: OPENAPI_PATH,
    summary: 'Describes the API.',
    answers: { 200: { says: 'an OpenAPI document', content: { 'application/json': { type: 'object' } } } },
    handle: async () => openApiOf(routes, hasToken),
  });
  return routes;
}
