/**
 * Hostile requests: whatever stands in a path, a query or a header, it is refused or means something of the store. No
 * answer is a defect, none has anything of a file outside, and the store stays as it is.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { routesOf } from '../../engine/serve/routes/all.js';
import { openStore } from '../../engine/store.js';
import { Served } from '../fixtures/served.js';

const CANARY = 'what stands in a file outside of the store';
/** Bounded in time, so that a slow machine tries fewer. The seed is told by a failure. */
const BOUNDS = { numRuns: 400, interruptAfterTimeLimit: 8000, markInterruptAsFailure: false };

let served: Served;
let outside: string;
let writer: Served;

before(async () => {
  writer = await Served.start({ write: true });
  await writer.fill();
  served = await Served.start({}, async () => openStore({ dir: join(writer.dir, 'store'), workers: 1 }));
  outside = join(writer.dir, 'canary');
  fs.writeFileSync(outside, CANARY);
});
after(async () => {
  await served.server.close();
  await writer.stop();
  fs.rmSync(served.dir, { recursive: true, force: true });
});

/** Everything of the store that says what it holds; the time of a use may change. */
function stateOf(dir: string): string {
  const names = (fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }) as string[]).filter(
    (name) => !/^(?:staging|locks|index|plans)(?:\/|$)/.test(name),
  );
  const hash = createHash('sha256');
  for (const name of names.sort()) {
    const stat = fs.lstatSync(join(dir, name));
    hash.update(`${name} ${stat.mode} ${stat.size} ${stat.ino}\n`);
  }
  return hash.digest('hex');
}

const DOTS = ['..', '.', '%2e%2e', '..%2f', '%2e%2e%2f', '....//', '..%5c', '%252e%252e', '..;/', '%c0%ae%c0%ae'];
const NAMES = ['app', 'app:gzip', 'kept:1', 'example.com%2Fbase', 'example.com/base', 'cairn', 'cairn/cairn-images'];
const ODD = [
  ...[
    '',
    ' ',
    '%00',
    '%0d%0a',
    '%0D%0ASet-Cookie:%20a=b',
    '\\',
    '%',
    '%zz',
    '%ff%fe',
    '*',
    '?',
    '#',
    "'",
    '"',
    '<script>',
  ],
  ...[
    '%3Cscript%3E',
    '$(id)',
    '`id`',
    '%24{7*7}',
    '{{7*7}}',
    ';ls',
    '|ls',
    '-rf',
    '--',
    '@',
    'sha512-',
    'sha256:',
    'deps-sha512-',
  ],
  ...['__proto__', 'constructor', 'toString', 'a'.repeat(300), '%41'.repeat(2000), '/etc/passwd', 'file:///etc/passwd'],
  ...[
    'docker://127.0.0.1:1/a',
    'oci:/etc',
    '%E2%80%AE',
    '\u{1F600}'.length > 0 ? '%F0%9F%98%80' : '',
    'NaN',
    '-1',
    '1e99',
  ],
];

const part = fc.oneof(
  fc.constantFrom(...DOTS, ...NAMES, ...ODD),
  fc.constantFrom(
    'manifests',
    'blobs',
    'tags',
    'list',
    'referrers',
    '_catalog',
    'files',
    'file',
    'tar',
    'stat',
    'trees',
  ),
  fc.stringMatching(/^[!-~]{0,40}$/).map((text) => text.replace(/[#?]/g, '_')),
  fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(Buffer.from(text).toString())),
  fc.stringMatching(/^sha256:[0-9a-f]{0,70}$/),
  fc.stringMatching(/^sha512-[0-9a-f]{0,140}$/),
);
const top = fc.constantFrom(
  '/',
  '/api/v1/images/',
  '/api/v1/trees/',
  '/api/',
  '/v2/',
  '/v2/app/',
  '/page/',
  '//',
  '/api/v1/names',
  '/metrics/',
  '/healthz/',
);
const query = fc.oneof(
  fc.constant(''),
  fc
    .array(
      fc.tuple(
        fc.constantFrom(
          'path',
          'n',
          'last',
          'ns',
          'limit',
          'after',
          'filter',
          'id',
          'label',
          'name',
          'image',
          'x',
          '__proto__',
          'force',
          'artifactType',
          '',
        ),
        part,
      ),
      { maxLength: 4 },
    )
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
);
const path = fc
  .tuple(top, fc.array(part, { maxLength: 5 }), query)
  .map(([first, parts, last]) => `${first}${parts.join('/')}${last}`);
const headerText = fc.stringMatching(/^[ -~]{0,60}$/);
const headers = fc.dictionary(
  fc.constantFrom(
    'range',
    'if-range',
    'if-none-match',
    'accept',
    'last-event-id',
    'authorization',
    'content-type',
    'x-forwarded-host',
    'x-http-method-override',
    'expect-ct',
    'cookie',
    'sec-fetch-site',
    'origin',
    'referer',
  ),
  fc.oneof(
    headerText,
    fc.constantFrom(
      'bytes=0-',
      'bytes=-1',
      'bytes=9-1',
      `bytes=${'9'.repeat(40)}-`,
      'bytes=0-0,-1',
      'application/json',
      'Basic Og==',
      '*',
    ),
  ),
  { maxKeys: 4 },
);

/** Node itself refuses to send some of what a hostile client would. */
function sendable(text: string): string {
  return text.replace(/[^\x21-\xff]/g, '_');
}

async function mustBeHarmless(to: Served, asked: string, method: string, given: OutgoingHttpHeaders): Promise<void> {
  if (asked.includes('events')) return;
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{"name":"../../x"}' };
  const { status, headers: got, body: bytes } = await to.ask(sendable(asked), { method, headers: given, ...body });
  assert.ok(status < 500 && status >= 200, `${method} ${asked}: ${status} ${bytes}`);
  assert.ok(!bytes.includes(CANARY) && !bytes.includes('root:x:0'), asked);
  assert.equal(got['set-cookie'], undefined, asked);
  assert.equal(got['access-control-allow-origin'], undefined, asked);
  assert.equal(got['x-content-type-options'], 'nosniff', asked);
  const type = `${got['content-type'] ?? ''}`;
  if (type.startsWith('text/html')) assert.match(`${got['content-security-policy']}`, /script-src 'self'/);
}

test('no request to a server that only reads does any harm', async () => {
  const before = stateOf(join(writer.dir, 'store'));
  const { lastEvent } = await served.store.counts();
  const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH');
  await fc.assert(
    fc.asyncProperty(path, method, headers, (asked, how, given) => mustBeHarmless(served, asked, how, given)),
    BOUNDS,
  );
  assert.equal(stateOf(join(writer.dir, 'store')), before);
  assert.equal((await served.store.counts()).lastEvent, lastEvent);
});

test('no request to a server that writes reads or writes anything outside', async () => {
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE');
  const before = fs.readdirSync(writer.dir).sort();
  await fc.assert(
    fc.asyncProperty(path, method, headers, (asked, how, given) => mustBeHarmless(writer, asked, how, given)),
    { ...BOUNDS, numRuns: 250 },
  );
  assert.deepEqual(fs.readdirSync(writer.dir).sort(), before);
  assert.equal(fs.readFileSync(outside, 'utf8'), CANARY);
});

test('every route takes hostile values in each of its parameters', async () => {
  const values = [...DOTS, ...ODD, encodeURIComponent(outside), encodeURIComponent(`../${outside}`)];
  for (const { method, path: pattern, query: known = {} } of routesOf({ mayWrite: false, hasToken: false })) {
    if (pattern.endsWith('/events')) continue;
    const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([whole]) => whole);
    const good = pattern.replace('{image}', 'app:gzip').replace('{tree}', 'deps-sha512-00');
    for (const value of values) {
      for (const name of names) await mustBeHarmless(served, pattern.replace(name, value), method, {});
      for (const parameter of Object.keys(known))
        await mustBeHarmless(served, `${good}?${parameter}=${value.replace(/[#&]/g, '')}`, method, {});
    }
  }
});

test('hostile names of images are text on the page and in lists', async () => {
  const { images } = await writer.json<{ images: { key: string }[] }>('/api/v1/images?keyword=kept');
  const key = images[0]?.key as string;
  const page = (await writer.ask('/')).body.toString();
  assert.doesNotMatch(page, /<script>(?!<)/);
  assert.match(page, new RegExp(`/api/v1/images/${key}`));
});
