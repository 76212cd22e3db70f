/**
 * Discovery: from a name to the URLs of its image, signature and keys. The pages are those of the appc spec's own
 * tests.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import type { Label } from '../../engine/image/label.js';
import { type Discovered, type DiscoverOptions, discover } from '../../engine/remote/discovery.js';
import { readDiscoveryPage } from '../../engine/remote/discovery-page.js';
import { renderTemplate, templateValues } from '../../engine/remote/discovery-template.js';
import { hostLabels, withHostLabels } from '../../engine/remote/host-labels.js';
import { HttpClient } from '../../engine/remote/http.js';
import { makeAuthority } from '../fixtures/certificates.js';
import { setEnvironment } from '../fixtures/environment.js';
import { proxyTo, TestServer } from '../fixtures/https-server.js';

const AUTHORITY = makeAuthority();
const STORAGE = 'https://storage.example.com';

const images = (template: string, prefix = 'example.com'): string =>
  `<meta name="ac-discovery" content="${prefix} ${template}">`;
const KEYS = '<meta name="ac-discovery-pubkeys" content="example.com https://example.com/pubkeys.gpg">';
const FULL = images(`${STORAGE}/{name}-{version}-{os}-{arch}.{ext}`);
const BRIEF = images(`${STORAGE}/{name}-{version}.{ext}`);

function page(...tags: string[]): string {
  return `<!DOCTYPE html>\n<html>\n<head>\n<title>My app</title>\n${tags.join('\n')}\n</head>\n<body><h1>My App</h1></body></html>\n`;
}

const PAGES = {
  both: page(FULL, KEYS),
  images: page(FULL),
  keys: page(KEYS),
  elsewhere: page(images('https://another.example.com/{name}-{version}-{os}-{arch}.{ext}'), KEYS),
  choice: page(FULL, BRIEF, KEYS),
  schemes: page(FULL, BRIEF, images('hdfs://storage.example.com/{name}-{version}-{os}-{arch}.{ext}'), KEYS),
};

const labels = (map: Record<string, string>): Label[] => Object.entries(map).map(([name, value]) => ({ name, value }));
const LINUX = { version: '1.0.0', os: 'linux', arch: 'amd64' };

/** A server that passes for example.com, and a client that gets there. */
class World {
  readonly server: TestServer;
  readonly #http: HttpClient;

  constructor(server: TestServer, http: HttpClient) {
    this.server = server;
    this.#http = http;
  }

  /** Exchanges all pages. */
  serve(pages: Readonly<Record<string, string>>): this {
    this.server.clear();
    for (const [path, body] of Object.entries(pages)) this.server.serve(path, body);
    return this;
  }

  discover(name: string, wanted: Record<string, string> = LINUX, options?: DiscoverOptions): Promise<Discovered> {
    return discover(this.#http, { name, labels: labels(wanted) }, options);
  }
}

async function worldOf(t: TestContext, pages: Readonly<Record<string, string>> = {}): Promise<World> {
  const server = await TestServer.start(t, { authority: AUTHORITY, names: ['example.com'] });
  setEnvironment(t, (await proxyTo(t, server.port)).env);
  const retry = { firstPauseMs: 1 };
  const http = new HttpClient({ userAgent: 'cairn/test', ca: [AUTHORITY.cert], retry, silenceMs: 2000 });
  t.after(() => http.close());
  return new World(server, http).serve(pages);
}

async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was found'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isCairnError(error, code), `${error}`);
  return error.message;
}

const PUBKEYS = ['https://example.com/pubkeys.gpg'];
const NO_KEYS: string[] = [];
const at = (...names: string[]): string[] => names.map((name) => `${STORAGE}/${name}.aci`);

test('pages are asked for from the name up to the host, for images and for keys', async (t) => {
  const myapp = at('example.com/myapp-1.0.0-linux-amd64');
  type Case = [
    pages: Record<string, string>,
    name: string,
    aci: string[],
    keys: string[],
    labels?: Record<string, string>,
  ];
  const cases: Record<string, Case> = {
    'on its own page': [{ '/myapp': PAGES.both }, 'example.com/myapp', myapp, PUBKEYS],
    "on the host's page": [
      { '/': PAGES.both },
      'example.com/myapp/foobar',
      at('example.com/myapp/foobar-1.0.0-linux-amd64'),
      PUBKEYS,
    ],
    "keys on its page, images on the host's": [
      { '/': PAGES.images, '/myapp': PAGES.keys },
      'example.com/myapp',
      myapp,
      PUBKEYS,
    ],
    "images on its page, keys on the host's": [
      { '/': PAGES.keys, '/myapp': PAGES.images },
      'example.com/myapp',
      myapp,
      PUBKEYS,
    ],
    'no keys': [{ '/': PAGES.images }, 'example.com/myapp', myapp, NO_KEYS],
    'the nearer page counts': [{ '/': PAGES.elsewhere, '/myapp': PAGES.images }, 'example.com/myapp', myapp, PUBKEYS],
    'a template that wants more than is given is left out': [
      { '/myapp': PAGES.choice },
      'example.com/myapp',
      at('example.com/myapp-1.0.0'),
      PUBKEYS,
      { version: '1.0.0' },
    ],
    'the version is the latest': [
      { '/myapp': PAGES.choice },
      'example.com/myapp',
      at('example.com/myapp-latest'),
      PUBKEYS,
      {},
    ],
    'a label called name changes nothing': [
      { '/myapp': PAGES.choice },
      'example.com/myapp',
      at('example.com/myapp-1.0.0'),
      PUBKEYS,
      { name: 'labelcalledname', version: '1.0.0' },
    ],
    'all schemes, in order': [
      { '/myapp': PAGES.schemes },
      'example.com/myapp',
      [
        ...myapp,
        ...at('example.com/myapp-1.0.0'),
        'hdfs://storage.example.com/example.com/myapp-1.0.0-linux-amd64.aci',
      ],
      PUBKEYS,
    ],
  };
  const world = await worldOf(t);
  for (const [title, [pages, name, aci, keys, wanted = LINUX]] of Object.entries(cases)) {
    await t.test(title, async () => {
      const found = await world.serve(pages).discover(name, wanted);
      assert.deepEqual(found.aci, aci);
      assert.deepEqual(
        found.asc,
        aci.map((url) => `${url}.asc`),
      );
      assert.deepEqual(found.keys, keys);
      assert.equal(found.prefix, 'example.com');
    });
  }
});

test('what is asked for is the name with a query, and its parents only as long as something is missing', async (t) => {
  const world = await worldOf(t, { '/a/b': PAGES.both });
  await world.discover('example.com/a/b/c');
  assert.deepEqual(world.server.paths, ['/a/b/c?ac-discovery=1', '/a/b?ac-discovery=1']);
});

test('nothing found names each page and what was wrong with it', async (t) => {
  const world = await worldOf(t, {
    '/a/b/c': page(images('https://x.org/{colour}.{ext}')),
    '/a/b': page(images('https://x.org/{name}.{ext}', 'example.com/ab')),
    '/a': '<html><body>Welcome</body></html>',
  });
  world.server.serve('/a/b/c/d', { status: 403 });
  const message = await refusal(world.discover('example.com/a/b/c/d'), 'ERR_NOT_FOUND');
  assert.equal(
    message,
    'example.com/a/b/c/d: no image is offered: https://example.com/a/b/c/d refuses this (403); ' +
      'https://example.com/a/b/c wants a value for colour; ' +
      'https://example.com/a/b has ac-discovery tags of other names; ' +
      'https://example.com/a has no ac-discovery tag; https://example.com/ answers 404',
  );
});

test('keys can be asked for alone', async (t) => {
  const world = await worldOf(t, { '/': PAGES.keys });
  assert.deepEqual((await world.discover('example.com/myapp', {}, { wanted: 'keys' })).keys, PUBKEYS);
  await refusal(world.discover('example.com/myapp'), 'ERR_NOT_FOUND');
  world.serve({ '/': PAGES.images });
  assert.match(
    await refusal(world.discover('example.com/myapp', {}, { wanted: 'keys' }), 'ERR_NOT_FOUND'),
    /no keys are offered: .*has no ac-discovery-pubkeys tag for it/,
  );
});

test('a page that fails is passed over', async (t) => {
  const world = await worldOf(t, { '/': PAGES.both });
  for (const fault of ['cut', 'endless', 'loop', 'transfer gzip'] as const) {
    world.server.serve('/myapp', { fault, body: 'x'.repeat(1000) });
    assert.equal((await world.discover('example.com/myapp')).aci.length, 1, fault);
  }
});

test('pages of any type, in any compression, behind redirects are read', async (t) => {
  const world = await worldOf(t);
  world.server
    .serve('/myapp', { status: 301, headers: { location: '/elsewhere?x=1' } })
    .serve('/elsewhere', { fault: 'gzip', headers: { 'content-type': 'application/octet-stream' }, body: PAGES.both });
  assert.equal((await world.discover('example.com/myapp')).aci.length, 1);
});

test('a host that is not there, or not who it says, is asked once', async (t) => {
  const world = await worldOf(t, { '/': PAGES.both });
  assert.match(await refusal(world.discover('example.org/a/b/c'), 'ERR_TLS'), /^example\.org\/a\/b\/c: no image is/);
  assert.deepEqual(world.server.asked, []);
});

test('plain HTTP is asked after HTTPS, where it is allowed', async (t) => {
  const server = (await TestServer.start(t)).serve('/', PAGES.both);
  const proxy = await proxyTo(t, server.port);
  setEnvironment(t, proxy.env);
  const http = new HttpClient({ userAgent: 'cairn/test', plainHttp: true });
  t.after(() => http.close());
  const image = { name: 'example.com/a', labels: labels(LINUX) };
  assert.match(await refusal(discover(http, image), 'ERR_TLS'), /^example\.com\/a: no image is offered: https:/);
  assert.equal((await discover(http, image, { plainHttp: true })).aci.length, 1);
  assert.deepEqual(new Set(proxy.tunnels), new Set(['example.com:443', 'example.com:80']));
  assert.deepEqual(server.paths, ['/a?ac-discovery=1', '/?ac-discovery=1']);
});

test('a caller can cancel', async (t) => {
  const world = await worldOf(t);
  world.server.serve('/a', { fault: 'silent' });
  const controller = new AbortController();
  const searching = world.discover('example.com/a', LINUX, { signal: controller.signal });
  while (world.server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort();
  await refusal(searching, 'ERR_ABORTED');
});

test('a name that begins with no host is refused', async (t) => {
  const world = await worldOf(t);
  await refusal(world.discover('example.com:port/a'), 'ERR_NAME_SYNTAX');
});

test('tags count in the head only, however it is written', () => {
  const cases: readonly [html: string, found: number][] = [
    [page(FULL), 1],
    [FULL, 1],
    [FULL.toUpperCase().replace('AC-DISCOVERY', 'ac-discovery'), 1],
    [FULL.replaceAll('"', "'"), 1],
    [FULL.replace('>', '/>'), 1],
    [`<script>'${FULL}'</script>`, 0],
    [`<!-- ${FULL} -->`, 0],
    [`<title>${FULL}</title>`, 0],
    [`<noscript><link href="x"></noscript>${FULL}`, 1],
    [`<body>${FULL}`, 0],
    [`<p>hello</p>${FULL}`, 0],
    [`<head></head>${FULL}`, 0],
    ['<meta name="ac-discovery" content="example.com">', 0],
    ['<meta name="ac-discovery" content="example.com a b">', 0],
    ['<meta name="ac-discovery">', 0],
    ['<meta name="AC-Discovery" content="a b">', 0],
    ['<meta name="ac-discovery" content="&#101;xample.com/&#9;x">', 1],
    ['<meta name="ac-discovery" content="  example.com/\n  x  ', 0],
    ['<<<>>>&&&\0', 0],
  ];
  for (const [html, found] of cases) assert.equal(readDiscoveryPage(html).images.length, found, html);
});

test('prefixes are whole components', async (t) => {
  const world = await worldOf(t);
  for (const [prefix, name, found] of [
    ['example.com', 'example.com/a', true],
    ['example.com/', 'example.com/a', true],
    ['example.com/a', 'example.com/a', true],
    ['example.com/a', 'example.com/a/b', true],
    ['example.com/a', 'example.com/ab', false],
    ['example.co', 'example.com/a', false],
    ['', 'example.com/a', false],
  ] as const) {
    world.serve({ '/': page(images('https://x.org/{name}.{ext}', prefix)) });
    const searching = world.discover(name, {});
    if (found) assert.equal((await searching).aci.length, 1, prefix);
    else await refusal(searching, 'ERR_NOT_FOUND');
  }
});

test('values are put in as they are, and cannot lead to another host', () => {
  const cases: readonly [template: string, values: Record<string, string>, aci: string | undefined][] = [
    ['https://x.org/{name}-{version}.{ext}', { version: 'a/b' }, 'https://x.org/example.com/app-a/b.aci'],
    ['https://x.org/{version}.{ext}', { version: '%2e+{os}' }, 'https://x.org/%2e+{os}.aci'],
    ['https://x.org/{colour}.{ext}', { colour: 'red' }, 'https://x.org/red.aci'],
    ['https://x.org/{colour}.{ext}', {}, undefined],
    ['https://x.org/{}.{ext}', {}, undefined],
    ['https://x.org/{name}', {}, undefined],
    ['https://{os}.x.org/{name}.{ext}', { os: 'linux' }, 'https://linux.x.org/example.com/app.aci'],
    ['https://{os}.x.org/{name}.{ext}', { os: 'evil.org/' }, undefined],
    ['https://{os}.x.org/{name}.{ext}', { os: 'evil.org#' }, undefined],
    ['https://{os}.x.org/{name}.{ext}', { os: 'evil.org\\' }, undefined],
    ['https://{os}x.org/{name}.{ext}', { os: 'user@' }, undefined],
    ['https://x.org{version}.{ext}', { version: ':80@evil.org/' }, undefined],
    ['{version}://x.org/{name}.{ext}', { version: 'file' }, undefined],
    ['//x.org/{name}.{ext}', {}, undefined],
    ['/{name}.{ext}', {}, undefined],
    ['https://user:secret@x.org/{name}.{ext}', {}, undefined],
    ['https:///{name}.{ext}', {}, undefined],
  ];
  for (const [template, values, aci] of cases) {
    const wanted = templateValues({ name: 'example.com/app', labels: labels(values) });
    assert.equal(renderTemplate(template, wanted)?.aci, aci, `${template} ${JSON.stringify(values)}`);
  }
});

test('whatever the values, a URL has the host and the scheme of its template', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (version, os) => {
      let values: ReadonlyMap<string, string>;
      try {
        values = templateValues({ name: 'example.com/app', labels: labels({ version, os }) });
      } catch (error) {
        assert.ok(isCairnError(error, 'ERR_NAME_SYNTAX'));
        return;
      }
      const inPath = renderTemplate('https://x.org/{os}/{version}.{ext}', values);
      if (inPath !== undefined) assert.equal(new URL(inPath.aci).origin, 'https://x.org');
      const inHost = renderTemplate('https://{os}.x.org/{version}.{ext}', values);
      if (inHost !== undefined) assert.match(new URL(inHost.aci).host, /\.x\.org$/);
    }),
  );
});

test('a value that no URL can have is refused', () => {
  for (const value of ['a b', 'a\n', '\0', '\u202e', '\t'])
    assert.throws(
      () => templateValues({ name: 'example.com/app', labels: labels({ version: value }) }),
      (error: unknown) => isCairnError(error, 'ERR_NAME_SYNTAX'),
    );
});

test("the host's labels are in appc's words, and are added where none are wanted", () => {
  const host = { os: 'linux', architecture: 'arm64' };
  assert.deepEqual(hostLabels(host), labels({ os: 'linux', arch: 'aarch64' }));
  assert.deepEqual(hostLabels({ os: 'plan9', architecture: 'mips' }), []);
  const cases: readonly [wanted: Record<string, string>, all: Record<string, string>][] = [
    [{}, { os: 'linux', arch: 'amd64' }],
    [{ version: '1' }, { version: '1', os: 'linux', arch: 'amd64' }],
    [{ arch: 'i386' }, { arch: 'i386', os: 'linux' }],
    [{ os: 'darwin' }, { os: 'darwin', arch: 'x86_64' }],
    [{ os: 'plan9' }, { os: 'plan9' }],
    [
      { os: 'linux', arch: 'x' },
      { os: 'linux', arch: 'x' },
    ],
  ];
  for (const [wanted, all] of cases)
    assert.deepEqual(withHostLabels(labels(wanted), { os: 'linux', architecture: 'amd64' }), labels(all));
  assert.equal(hostLabels().length, 2);
});
