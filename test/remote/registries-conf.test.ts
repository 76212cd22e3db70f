/** `registries.conf`: what is read of it, which places an image may come from, and what short names mean. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { type CairnError, type ErrorCode, isCairnError } from '../../engine/core/errors.js';
import { formatRegistryReference, parseRegistryReference } from '../../engine/image/oci/registry-reference.js';
import { mergeConfs, parseConf, type RegistriesConf } from '../../engine/remote/registries/conf.js';
import { endpointsFor, pushEndpointFor } from '../../engine/remote/registries/endpoints.js';
import { confPlaces, readRegistriesConf } from '../../engine/remote/registries/read-conf.js';
import { meaningsOf } from '../../engine/remote/registries/short-names.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const DIGEST = `sha256:${'0'.repeat(64)}`;

const conf = (toml: string): RegistriesConf => parseConf(parse(toml), '/r.conf');

/** `host/repository`, with `!` behind it where it may be insecure. */
function places(toml: string, ref: string): string[] {
  const endpoints = endpointsFor(conf(toml), parseRegistryReference(ref));
  return endpoints.map(({ host, repository, insecure }) => `${host}/${repository}${insecure ? '!' : ''}`);
}

function refusal(work: () => unknown, code: ErrorCode): CairnError {
  try {
    work();
  } catch (error) {
    assert.ok(isCairnError(error, code), `${error}`);
    return error;
  }
  return assert.fail('it was taken');
}

/** The example of the manual page. */
const EXAMPLE = `
unqualified-search-registries = ["example.com"]

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal-registry-for-example.com/bar"

[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"
`;

test('mirrors are asked in their order, and then the place that the name has been moved to', () => {
  assert.deepEqual(places(EXAMPLE, 'example.com/foo/image:latest'), [
    'example-mirror-0.local/mirror-for-foo/image',
    'example-mirror-1.local/mirrors/foo/image!',
    'internal-registry-for-example.com/bar/image',
  ]);
  assert.deepEqual(places(EXAMPLE, 'example.com/foo'), [
    'example-mirror-0.local/mirror-for-foo',
    'example-mirror-1.local/mirrors/foo!',
    'internal-registry-for-example.com/bar',
  ]);
  assert.deepEqual(places(EXAMPLE, 'registry.com/image'), ['mirror.registry.com/image', 'registry.com/image']);
  for (const other of ['example.com/foobar', 'example.com/other/foo', 'registry.com:5000/image', 'sub.registry.com/a'])
    assert.deepEqual(places(EXAMPLE, other), [other]);
});

test('of several prefixes the longest counts, and a host comes before its domain', () => {
  const rule = (prefix: string, location: string): string =>
    `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;
  const toml =
    rule('*.example.com', 'any.local') +
    rule('*.b.example.com', 'below.local') +
    rule('c.example.com', 'host.local') +
    rule('c.example.com/team', 'team.local') +
    rule('c.example.com/team/app:1', 'tag.local/app') +
    rule(`c.example.com/team/app@${DIGEST}`, 'digest.local/app') +
    rule('c.example.com:5000', 'port.local');
  for (const [ref, place] of [
    ['a.example.com/x', 'any.local/x'],
    ['a.b.example.com/x', 'below.local/x'],
    ['b.example.com/x', 'any.local/x'],
    ['a.example.com:5000/x', 'any.local/x'],
    ['example.com/x', 'example.com/x'],
    ['aexample.com/x', 'aexample.com/x'],
    ['c.example.com/x', 'host.local/x'],
    ['c.example.com:5000/x', 'port.local/x'],
    ['c.example.com/team/x', 'team.local/x'],
    ['c.example.com/team/app:1', 'tag.local/app'],
    ['c.example.com/team/app:2', 'team.local/app'],
    [`c.example.com/team/app@${DIGEST}`, 'digest.local/app'],
  ] as const)
    assert.deepEqual(places(toml, ref), [place], ref);
});

test('a domain without a place of its own leaves names as they are', () => {
  const toml =
    '[[registry]]\nprefix = "*.example.com"\ninsecure = true\n[[registry.mirror]]\nlocation = "m.local/all"\n';
  assert.deepEqual(places(toml, 'a.example.com/x/y'), ['m.local/all/x/y', 'a.example.com/x/y!']);
});

test('a mirror may be for digests alone, or for tags alone', () => {
  const mirrors = ['digest-only', 'tag-only', 'all', '']
    .map((pulls, i) => `[[registry.mirror]]\nlocation = "m${i}.local"\npull-from-mirror = "${pulls}"\n`)
    .join('');
  const toml = `[[registry]]\nlocation = "r.local"\n${mirrors}`;
  assert.deepEqual(places(toml, 'r.local/a:1'), ['m1.local/a', 'm2.local/a', 'm3.local/a', 'r.local/a']);
  assert.deepEqual(places(toml, `r.local/a@${DIGEST}`), ['m0.local/a', 'm2.local/a', 'm3.local/a', 'r.local/a']);
  const old =
    '[[registry]]\nlocation = "r.local"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.local"\n';
  assert.deepEqual(places(old, 'r.local/a:1'), ['r.local/a']);
  assert.deepEqual(places(old, `r.local/a:1@${DIGEST}`), ['m.local/a', 'r.local/a']);
});

test('what is blocked is neither fetched nor pushed, and the file is named', () => {
  const blocking = conf('[[registry]]\nprefix = "r.local/bad"\nlocation = "r.local/bad"\nblocked = true\n');
  const reference = parseRegistryReference('r.local/bad/app:1');
  for (const work of [() => endpointsFor(blocking, reference), () => pushEndpointFor(blocking, reference)]) {
    const error = refusal(work, 'ERR_POLICY');
    assert.equal(error.message, 'r.local/bad/app: /r.conf blocks r.local/bad');
    assert.equal(error.path, '/r.conf');
  }
  assert.deepEqual(endpointsFor(blocking, parseRegistryReference('r.local/good')).length, 1);
});

test('a push goes where the name says, and knows whether that may be insecure', () => {
  const reference = parseRegistryReference('example.com/foo/image');
  assert.deepEqual(pushEndpointFor(conf(EXAMPLE), reference), {
    host: 'example.com',
    repository: 'foo/image',
    insecure: false,
  });
  const lax = conf('[[registry]]\nlocation = "example.com"\ninsecure = true\n');
  assert.equal(pushEndpointFor(lax, reference).insecure, true);
});

test('Docker Hub’s own images are below library', () => {
  const toml = '[[registry]]\nprefix = "docker.io/library"\nlocation = "m.local/hub"\n';
  assert.deepEqual(places(toml, 'busybox'), ['m.local/hub/busybox']);
  assert.deepEqual(places(toml, 'me/busybox'), ['docker.io/me/busybox']);
});

test('a short name is an alias, or in one of the registries that are searched, or on Docker Hub', () => {
  const toml = `
    unqualified-search-registries = ["one.example", "docker.io"]
    [aliases]
    "fedora" = "registry.fedoraproject.org/fedora"
    "team/app" = "r.example/x/app"
    "gone" = ""
  `;
  const meanings = (text: string, with_ = toml): string[] => meaningsOf(conf(with_), text).map(formatRegistryReference);
  assert.deepEqual(meanings('fedora'), ['registry.fedoraproject.org/fedora:latest']);
  assert.deepEqual(meanings('docker://fedora:40'), ['registry.fedoraproject.org/fedora:40']);
  assert.deepEqual(meanings(`team/app@${DIGEST}`), [`r.example/x/app@${DIGEST}`]);
  assert.deepEqual(meanings('gone:1'), ['one.example/gone:1', 'docker.io/library/gone:1']);
  assert.deepEqual(meanings('x/y:1'), ['one.example/x/y:1', 'docker.io/x/y:1']);
  assert.deepEqual(meanings('busybox', ''), ['docker.io/library/busybox:latest']);
  for (const full of ['r.example/fedora:1', 'localhost/fedora:1', 'r.example:5000/fedora:1'])
    assert.deepEqual(meanings(full), [full]);
});

test('a configuration may want a short name to mean one thing', () => {
  const toml = (list: string): string => `short-name-mode = "enforcing"\nunqualified-search-registries = ${list}\n`;
  assert.equal(meaningsOf(conf(toml('["a.example"]')), 'x').length, 1);
  const error = refusal(() => meaningsOf(conf(toml('["a.example", "b.example"]')), 'x'), 'ERR_AMBIGUOUS_KEY');
  assert.deepEqual(error.candidates, ['a.example/x:latest', 'b.example/x:latest']);
});

test('a later file replaces rules of the same prefix, single aliases, and the list as a whole', () => {
  const merged = mergeConfs([
    conf(
      'unqualified-search-registries = ["a.x"]\n[[registry]]\nlocation = "r.x"\nblocked = true\n[aliases]\none = "a.x/one"\ntwo = "a.x/two"',
    ),
    conf(
      'short-name-mode = "enforcing"\n[[registry]]\nlocation = "r.x"\n[[registry]]\nlocation = "s.x"\n[aliases]\none = "b.x/one"\ntwo = ""',
    ),
    conf('unqualified-search-registries = ["b.x"]'),
  ]);
  assert.deepEqual(
    [...merged.rules.values()].map(({ prefix, blocked }) => [prefix, blocked]),
    [
      ['r.x', false],
      ['s.x', false],
    ],
  );
  assert.deepEqual(
    [...merged.aliases],
    [
      ['one', 'b.x/one'],
      ['two', ''],
    ],
  );
  assert.deepEqual([merged.search, merged.isEnforcing], [['b.x'], true]);
});

test('what breaks a rule of the format is refused, with its place', () => {
  for (const [toml, entry, message] of [
    ['[registries.search]\nregistries = ["a.x"]', 'registries', /version 1/],
    ['[[registry]]\ninsecure = true', 'registry[0].location', /must be there, or a prefix/],
    ['[[registry]]\nprefix = "a.x"', 'registry[0].location', /must be there/],
    ['[[registry]]\nlocation = "https://a.x"', 'registry[0].prefix', /without a scheme/],
    ['[[registry]]\nprefix = "a.x"\nlocation = "a.x/UP"', 'registry[0].location', /is not HOST/],
    ['[[registry]]\nprefix = "*.a.x/b"', 'registry[0].prefix', /no path/],
    ['[[registry]]\nprefix = "a.*.x"\nlocation = "a.x"', 'registry[0].prefix', /is not HOST/],
    ['[[registry]]\nlocation = "a.x"\nblocked = "yes"', 'registry[0].blocked', /true or false/],
    ['[[registry]]\nlocation = 7', 'registry[0].location', /must be a string/],
    ['[registry]\nlocation = "a.x"', 'registry', /list of tables/],
    [
      '[[registry]]\nlocation = "a.x"\n[[registry.mirror]]\ninsecure = true',
      'registry[0].mirror[0].location',
      /must be there/,
    ],
    [
      '[[registry]]\nlocation = "a.x"\n[[registry.mirror]]\nlocation = "b.x"\npull-from-mirror = "none"',
      'registry[0].mirror[0].pull-from-mirror',
      /one of all, digest-only, tag-only/,
    ],
    [
      '[[registry]]\nlocation = "a.x"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b.x"\npull-from-mirror = "all"',
      'registry[0].mirror[0].pull-from-mirror',
      /does not go with/,
    ],
    ['unqualified-search-registries = "a.x"', 'unqualified-search-registries', /list of strings/],
    ['unqualified-search-registries = ["a.x/"]', 'unqualified-search-registries', /is not HOST/],
    ['short-name-mode = "often"', 'short-name-mode', /one of permissive, enforcing, disabled/],
    ['aliases = 7', 'aliases', /must be a table/],
    ['[aliases]\n"a.x/b" = "a.x/b"', 'aliases."a.x/b"', /without host/],
    ['[aliases]\nb = "c"', 'aliases."b"', /must mean HOST\/NAME/],
    ['[aliases]\nb = "a.x/c:1"', 'aliases."b"', /without tag/],
    ['[aliases]\nb = 1', 'aliases."b"', /must be a string/],
  ] as const) {
    const error = refusal(() => conf(toml), 'ERR_CONFIG');
    assert.match(error.message, message, toml);
    assert.deepEqual([error.path, error.entry], ['/r.conf', entry]);
  }
});

test('property: mirrors keep what comes behind the prefix, and the tag does not matter', () => {
  const part = fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/);
  const path = fc.array(part, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(path, path, path, (prefix, rest, place) => {
      const [from, to] = [`p.example/${prefix.join('/')}`, `m.example/${place.join('/')}`];
      const toml = `[[registry]]\nlocation = "${from}"\n[[registry.mirror]]\nlocation = "${to}"\n`;
      const name = `${from}/${rest.join('/')}`;
      for (const suffix of ['', ':1', `@${DIGEST}`])
        assert.deepEqual(places(toml, name + suffix), [`${to}/${rest.join('/')}`, name]);
    }),
  );
});

/** A system and a home with files. */
function machine(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): (more?: Record<string, string>) => Promise<RegistriesConf> {
  const dir = temporaryDirectory(t);
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(dir, name)), { recursive: true });
    fs.writeFileSync(join(dir, name), content);
  }
  return (more = {}) => {
    const env = Object.fromEntries(Object.entries(more).map(([name, path]) => [name, join(dir, path)]));
    const home = { HOME: join(dir, 'home'), ...env };
    return readRegistriesConf(home, { ...confPlaces(home, false), system: join(dir, 'etc') });
  };
}

const search = (host: string): string => `unqualified-search-registries = ["${host}"]\n`;
const alias = (host: string): string => `[aliases]\nx = "${host}/x"\n`;

test('the system’s file, its additions, and then those of the user count', async (t) => {
  const read = machine(t, {
    'etc/registries.conf': search('main.x') + alias('main.x'),
    'etc/registries.conf.d/20.conf': alias('twenty.x'),
    'etc/registries.conf.d/10.conf': search('ten.x') + alias('ten.x'),
    'etc/registries.conf.d/no.toml': 'not TOML',
    'etc/registries.conf.d/below/no.conf': 'not TOML',
  });
  const { search: hosts, aliases } = await read();
  assert.deepEqual([hosts, aliases.get('x')], [['ten.x'], 'twenty.x/x']);
});

test('the user’s file takes the place of all that the system has', async (t) => {
  const files = {
    'etc/registries.conf': 'not TOML',
    'etc/registries.conf.d/a.conf': 'not TOML',
    'home/.config/containers/registries.conf': search('user.x'),
    'home/.config/containers/registries.conf.d/a.conf': alias('user.x'),
  };
  const { search: hosts, aliases } = await machine(t, files)();
  assert.deepEqual([hosts, aliases.get('x')], [['user.x'], 'user.x/x']);
});

test('a file that the environment names takes the place of both, and must be there', async (t) => {
  const read = machine(t, {
    'own.conf': search('own.x'),
    'etc/registries.conf': 'not TOML',
    'etc/registries.conf.d/a.conf': alias('system.x'),
    'home/.config/containers/registries.conf': 'not TOML',
  });
  const { search: hosts, aliases } = await read({ CONTAINERS_REGISTRIES_CONF: 'own.conf' });
  assert.deepEqual([hosts, aliases.get('x')], [['own.x'], 'system.x/x']);
  const missing = read({ CONTAINERS_REGISTRIES_CONF: 'none.conf' });
  await assert.rejects(
    missing,
    (error) => isCairnError(error, 'ERR_NOT_FOUND') && error.path?.endsWith('none.conf') === true,
  );
});

test('what people chose for a short name comes before what files say, and is all that counts of that file', async (t) => {
  const chosen = `${search('chosen.x')}short-name-mode = "enforcing"\n${alias('chosen.x')}"y" = ""\n`;
  const files = {
    'etc/registries.conf': `${search('main.x')}[aliases]\nx = "main.x/x"\ny = "main.x/y"\n`,
    'home/.config/containers/registries.conf.d/a.conf': alias('user.x'),
    'home/.cache/containers/short-name-aliases.conf': chosen,
    'cache/containers/short-name-aliases.conf': alias('other.x'),
  };
  const { search: hosts, isEnforcing, aliases } = await machine(t, files)();
  assert.deepEqual([hosts, isEnforcing], [['main.x'], undefined]);
  assert.deepEqual([aliases.get('x'), aliases.get('y')], ['chosen.x/x', '']);
  assert.equal((await machine(t, files)({ XDG_CACHE_HOME: 'cache' })).aliases.get('x'), 'other.x/x');
  const damaged = machine(t, { 'home/.cache/containers/short-name-aliases.conf': '[aliases]\nx = "y"\n' });
  await assert.rejects(damaged(), { code: 'ERR_CONFIG', message: /short-name-aliases\.conf: aliases\."x"/ });
  const home = confPlaces({ HOME: '/root', XDG_CACHE_HOME: '/own' }, true);
  assert.equal(home.cache, '/var/cache/containers');
});

test('no file at all says nothing, and what is no TOML is refused with its line', async (t) => {
  const nothing = await machine(t, {})();
  assert.deepEqual([nothing.rules.size, nothing.aliases.size, nothing.search], [0, 0, undefined]);
  for (const content of ['a = 1\nb = = 2\n', Buffer.from([0xff]).toString('latin1')]) {
    const read = machine(t, { 'etc/registries.conf': content });
    await assert.rejects(read(), (error) => isCairnError(error, 'ERR_CONFIG') && /line \d/.test(error.message));
  }
});
