/** What the API answers has the form that its OpenAPI document says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fastify } from 'fastify';
import { Served } from '../fixtures/served.js';

let served: Served;

before(async () => {
  served = await Served.start();
  await served.fill();
  await served.store.render('app:gzip');
});
after(() => served.stop());

interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>>;
  components: object;
}

const ASKED: Readonly<Record<string, string>> = {
  '/api/v1/images': '/api/v1/images?limit=2',
  '/api/v1/images/{image}': '/api/v1/images/example.com%2Fapp',
  '/api/v1/images/{image}/manifest': '/api/v1/images/app:gzip/manifest',
  '/api/v1/images/{image}/history': '/api/v1/images/app:gzip/history',
  '/api/v1/images/{image}/stat': '/api/v1/images/app:gzip/stat?path=/etc/motd',
  '/api/v1/trees': '/api/v1/trees',
  '/healthz': '/healthz',
  '/api/v1/info': '/api/v1/info',
  '/api/v1/work': '/api/v1/work',
  '/api/v1/openapi.json': '/api/v1/openapi.json',
};

test('every answer in JSON fits its schema, and so do errors', async () => {
  const document = await served.json<OpenApi>('/api/v1/openapi.json');
  // The framework's own validator, which knows what the document is made of.
  const app = fastify({ ajv: { customOptions: { strict: false, coerceTypes: false, removeAdditional: false } } });
  let fits: (schema: object, value: unknown) => unknown = () => false;
  app.get('/', async (request) => {
    fits = (schema, value) => {
      const whole = JSON.parse(JSON.stringify({ ...schema, components: document.components }));
      const validate = request.compileValidationSchema(whole);
      return validate(value) === true ? true : validate.errors;
    };
    return {};
  });
  await app.inject('/');
  let checked = 0;
  for (const [path, operations] of Object.entries(document.paths)) {
    const { responses } = operations['get'] ?? {};
    const schema = responses?.['200']?.content['application/json']?.schema;
    const asked = ASKED[path];
    if (schema === undefined || asked === undefined) continue;
    assert.equal(fits(schema, await served.json(asked)), true, path);
    const bad = await served.ask(`${asked.split('?')[0]}?nothing-of-this-name=1`);
    if (bad.status === 400)
      assert.equal(fits(responses?.['default']?.content['application/json']?.schema as object, bad.json()), true, path);
    checked++;
  }
  assert.equal(checked, Object.keys(ASKED).length);
  await app.close();
});
