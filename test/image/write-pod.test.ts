/** Pod manifests that are written: the same values come back, and always the same document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import type { App, Port } from '../../engine/image/aci/app.js';
import type { ExposedPort, Mount, PodManifest, RuntimeApp, RuntimeImage, Volume } from '../../engine/image/aci/pod.js';
import { parsePodManifest } from '../../engine/image/aci/pod-manifest.js';
import { podManifestFrom } from '../../engine/image/aci/write-pod.js';

type Written = Omit<PodManifest, 'raw'>;

/** Texts that JSON can hold. */
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const name = fc.stringMatching(/^[a-z0-9]{1,3}(?:-[a-z0-9]{1,3})?$/);
const path = fc.stringMatching(/^\/[a-z ./]{0,8}$/).filter((each) => !each.split('/').includes('..'));
const map = fc.dictionary(
  text.filter((key) => key !== '__proto__'),
  text,
  { maxKeys: 3, noNullPrototype: true },
);
const id = fc.stringMatching(/^sha512-[0-9a-f]{2,128}$/);
const ownId = fc.integer({ min: 0, max: 2 ** 32 - 2 });

function unique<T>(item: fc.Arbitrary<T>, selector: (item: T) => string, maxLength = 3): fc.Arbitrary<T[]> {
  return fc.uniqueArray(item, { selector, maxLength });
}

const pairs = unique(fc.record({ name, value: text }), (pair) => pair.name);

/** Without the fields that are undefined. */
function without<T>(record: object): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

const optional = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(item, { nil: undefined });

const volume = fc
  .oneof(
    fc.record({
      ...{ kind: fc.constant('empty'), name, readOnly: optional(fc.boolean()) },
      ...{ mode: fc.integer({ min: 0, max: 0o7777 }), uid: ownId, gid: ownId },
    }),
    fc.record({
      ...{ kind: fc.constant('host'), name, source: path },
      ...{ readOnly: optional(fc.boolean()), recursive: optional(fc.boolean()) },
    }),
  )
  .map((each) => without<Volume>(each));

const port: fc.Arbitrary<Port> = fc.record({
  ...{ name, protocol: text, port: fc.integer({ min: 1, max: 65_000 }), count: fc.integer({ min: 1, max: 500 }) },
  socketActivated: fc.boolean(),
});

const app: fc.Arbitrary<App> = fc
  .record({
    exec: fc.array(text, { maxLength: 3 }),
    user: text.filter(Boolean),
    group: text.filter(Boolean),
    supplementaryGIDs: fc.array(ownId, { maxLength: 3 }),
    workingDirectory: optional(path),
    eventHandlers: fc.constantFrom([], [{ name: 'pre-start' as const, exec: ['/bin/true'] }]),
    environment: unique(
      fc.record({ name: fc.stringMatching(/^[A-Za-z_][\w.-]{0,4}$/), value: text }),
      (each) => each.name,
    ),
    mountPoints: fc.array(fc.record({ name, path, readOnly: fc.boolean() }), { maxLength: 2 }),
    ports: fc.array(port, { maxLength: 2 }),
    isolators: fc.constantFrom([], [{ name: 'example.com/any', value: { a: [1, null] } }]),
    userAnnotations: map,
    userLabels: map,
  })
  .map((each) => without<App>(each));

const exposed: fc.Arbitrary<ExposedPort> = fc
  .record({
    ...{ name, hostPort: fc.integer({ min: 0, max: 65_535 }), hostIP: optional(fc.ipV4()), podPort: optional(port) },
  })
  .map((each) => without<ExposedPort>(each));

function appIn(volumes: readonly Volume[]): fc.Arbitrary<RuntimeApp> {
  const own = fc.record({ volume: name, path, appVolume: volume });
  const names = volumes.map((each) => each.name);
  const mount: fc.Arbitrary<Mount> =
    names.length === 0 ? own : fc.oneof(own, fc.record({ volume: fc.constantFrom(...names), path }));
  const image = fc.record({
    id,
    name: optional(name),
    labels: pairs.map((all) => all.filter((each) => !RULED.test(each.name))),
  });
  return fc
    .record({
      ...{
        name,
        image: image.map((each) => without<RuntimeImage>(each)),
        app: optional(app),
        readOnlyRootFS: fc.boolean(),
      },
      ...{ mounts: fc.array(mount, { maxLength: 2 }), annotations: pairs },
    })
    .map((each) => without<RuntimeApp>(each));
}

/** Labels whose values are not free. */
const RULED = /^(?:os|arch|name)$/;

const manifest: fc.Arbitrary<Written> = unique(volume, (each) => each.name).chain((volumes) =>
  fc.record({
    acVersion: fc.constantFrom('', '0.8.11'),
    apps: unique(appIn(volumes), (each) => each.name),
    volumes: fc.constant(volumes),
    isolators: fc.constantFrom([], [{ name: 'resource/memory', value: { limit: '4G' } }]),
    annotations: pairs,
    ports: fc.array(exposed, { maxLength: 2 }),
    userAnnotations: map,
    userLabels: map,
  }),
);

function bytesOf(written: Written): Buffer {
  return Buffer.from(JSON.stringify(podManifestFrom(written)));
}

test('what is written is read back', () => {
  fc.assert(
    fc.property(manifest, (written) => {
      const { raw, ...read } = parsePodManifest(bytesOf(written), DEFAULT_LIMITS);
      // Records of fast-check have no prototype.
      assert.deepEqual(read, JSON.parse(JSON.stringify(written)));
      assert.equal(JSON.stringify(raw), JSON.stringify(podManifestFrom(read)));
    }),
    { numRuns: 150 },
  );
});

test('fields come in the order of the spec, and what is empty is left out', () => {
  const nothing = { volumes: [], isolators: [], annotations: [], ports: [], userAnnotations: {}, userLabels: {} };
  const image = { id: 'sha512-ab', labels: [] };
  const written = podManifestFrom({
    ...nothing,
    acVersion: '0.8.11',
    apps: [{ name: 'a', image, readOnlyRootFS: false, mounts: [], annotations: [] }],
  });
  const expected = '{"acVersion":"0.8.11","acKind":"PodManifest","apps":[{"name":"a","image":{"id":"sha512-ab"}}]}';
  assert.equal(JSON.stringify(written), expected);
});
