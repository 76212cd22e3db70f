/** The OpenAPI document (3.1), written from the routes. */
import { type Answer, json, named, type Route, type Schema } from './route.js';
import { SCHEMAS } from './schemas.js';

export const OPENAPI_PATH = '/api/v1/openapi.json';

export function openApiOf(routes: readonly Route[], hasToken: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    paths[route.path] = operations;
    operations[route.method.toLowerCase()] = operationOf(route);
    if (route.hasHead === true) operations['head'] = { ...operationOf(route), operationId: `head${title(route.id)}` };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'cairn',
      version: '1',
      description:
        'A store for layered images. `/v2/` is the pull API of the OCI distribution spec, which is not described here.',
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
    },
    ...(hasToken ? { security: [{ bearer: [] }, { basic: [] }] } : {}),
  };
}

function title(id: string): string {
  return `${id[0]?.toUpperCase()}${id.slice(1)}`;
}

function operationOf({ id, path, summary, query = {}, headers = {}, body, takesBytes, answers }: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
    description: name === 'image' ? 'a key, a digest or a name, with `/` as `%2F`' : 'an id, whole or its beginning',
  }));
  const content = takesBytes === true ? { 'application/octet-stream': {} } : { 'application/json': { schema: body } };
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...parametersIn('query', query), ...parametersIn('header', headers)],
    ...(body === undefined && takesBytes !== true ? {} : { requestBody: { content, required: takesBytes === true } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
      default: responseOf(json('what went wrong', named('Error'))),
    },
  };
}

function parametersIn(place: string, schemas: Readonly<Record<string, Schema>>): object[] {
  return Object.entries(schemas).map(([name, { description, ...schema }]) => ({
    ...{ name, in: place, schema },
    ...(description === undefined ? {} : { description }),
  }));
}

function responseOf({ says, content = {} }: Answer): object {
  const media = Object.entries(content).map(([type, schema]) => [type, { schema }]);
  return { description: says, content: Object.fromEntries(media) };
}
