/** What registries in use do otherwise than the specification says, or in ways of their own: images come and go. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Fetched } from '../../engine/fetch/options.js';
import { openStore, type Store } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { fetchQuickly } from '../fixtures/fetch-quickly.js';
import { TestServer } from '../fixtures/https-server.js';
import { configOf, type Descriptor, digestOf, HOST, indexOf, MEDIA, manifestOf } from '../fixtures/oci.js';
import { type Exchange, TestRegistry } from '../fixtures/registry-server.js';

const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const PLATFORM = { platform: HOST };
const UNKNOWN = { platform: { os: 'unknown', architecture: 'unknown' } };

/** One store for all tests: each fetches images that no other has. */
let store: Store;
const afterAll: (() => unknown)[] = [];
const all = { after: (work: () => unknown) => void afterAll.push(work) } as unknown as TestContext;

before(async () => {
  const dir = temporaryDirectory(all);
  Object.assign(process.env, { HOME: dir, XDG_RUNTIME_DIR: dir, CAIRN_AUTH_DIRS: dir, REGISTRY_AUTH_FILE: '' });
  store = await openStore({ dir: join(dir, 'store'), workers: 2 });
});

after(async () => {
  await store.close();
  for (const work of afterAll.reverse()) await work();
});

let made = 0;

class Shelf {
  readonly registry: TestRegistry;
  readonly name = `app${made++}`;
  readonly tar = tar([{ name: 'file', content: this.name }]);

  constructor(registry: TestRegistry) {
    this.registry = registry;
  }

  static async of(t: TestContext): Promise<Shelf> {
    return new Shelf(await TestRegistry.start(t));
  }

  get ref(): string {
    return `docker://${this.registry.host}/${this.name}:1`;
  }

  blob(bytes: Buffer, mediaType: string): Descriptor {
    const digest = digestOf(bytes);
    this.registry.put(this.name, digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** The image's manifest. @param layer as it is packed */
  manifest(layer: Descriptor = this.blob(this.tar, MEDIA.layer)): Record<string, unknown> {
    const config = Buffer.from(JSON.stringify(configOf({ layers: [this.tar] })));
    return manifestOf(this.blob(config, MEDIA.config), [layer]);
  }

  /** Has a document on the shelf. @returns what leads to it */
  say(document: object, mediaType: string = MEDIA.manifest, more: Partial<Descriptor> = {}, tag = '1'): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    return { mediaType, digest: this.registry.say(this.name, tag, bytes, mediaType), size: bytes.length, ...more };
  }

  async fetch(ref = this.ref): Promise<Fetched> {
    return (await fetchQuickly(store, [ref]))[0] as Fetched;
  }

  override(path: string, answer: (exchange: Exchange) => void): void {
    this.registry.overrides.set(`/v2/${this.name}/${path}`, answer);
  }
}

test('a manifest is known by what it is, where its content type says nothing of it', async (t) => {
  const types = ['application/json', 'application/json; charset=utf-8', 'application/octet-stream', 'text/plain', ''];
  for (const type of [...types, `${MEDIA.manifest}; charset=UTF-8`, MEDIA.manifest.toUpperCase()]) {
    const shelf = await Shelf.of(t);
    shelf.say(shelf.manifest(), type);
    assert.equal((await shelf.fetch()).existed, false, type);
    const nested = await Shelf.of(t);
    const inner = { ...nested.say(nested.manifest(), type), mediaType: MEDIA.manifest };
    nested.say({ ...indexOf([{ ...inner, ...PLATFORM }]), mediaType: undefined }, type.replace(/manifest/i, 'index'));
    assert.equal((await nested.fetch()).existed, false, type);
  }
  const docker = await Shelf.of(t);
  docker.say({ ...docker.manifest(), mediaType: DOCKER }, 'application/json');
  assert.equal((await docker.fetch()).existed, false);
});

/** A frame of zstd whose blocks are not compressed. */
function zstd(bytes: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([head, block, bytes]);
}

test('of whatever stands in an index the image for this machine is found, however its layers are packed', async (t) => {
  const attestation = { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  const toc = { annotations: { 'containerd.io/snapshot/stargz/toc.digest': `sha256:${'0'.repeat(64)}` } };
  const chunked = { annotations: { 'io.github.containers.zstd-chunked.manifest-checksum': 'sha256:0' } };
  const layers = (shelf: Shelf): Descriptor[] => [
    { ...shelf.blob(gzipSync(shelf.tar), MEDIA.gzipLayer), ...toc },
    { ...shelf.blob(zstd(shelf.tar), `${MEDIA.layer}+zstd`), ...chunked },
  ];
  const cases: ((shelf: Shelf, inner: Descriptor) => object)[] = [
    (_shelf, inner) => indexOf([inner]),
    (_shelf, inner) => indexOf([{ ...inner, annotations: { platform: 'linux/amd64' } }]),
    (_shelf, inner) => indexOf([{ ...inner, platform: { os: '', architecture: '' } }]),
    (shelf, inner) =>
      indexOf([
        { ...shelf.say({ attested: 1 }), ...UNKNOWN, ...attestation },
        { ...inner, ...PLATFORM },
      ]),
    (shelf, inner) =>
      indexOf([
        { ...inner, ...PLATFORM },
        { ...shelf.say({ attested: 1 }), ...UNKNOWN },
      ]),
    (shelf, inner) => indexOf([{ ...shelf.say(indexOf([{ ...inner, ...PLATFORM }]), MEDIA.index), ...PLATFORM }]),
    (shelf, inner) => indexOf([{ ...shelf.say(indexOf([inner]), MEDIA.index) }]),
    (shelf, inner) =>
      indexOf([{ ...inner, ...PLATFORM }, shelf.say({ artifact: 1 }, 'application/vnd.example.sbom+json')]),
  ];
  for (const [i, index] of cases.entries()) {
    const shelf = await Shelf.of(t);
    const inner = shelf.say(shelf.manifest(layers(shelf)[i % 2]));
    shelf.say(index(shelf, inner), MEDIA.index);
    assert.equal((await shelf.fetch()).existed, false, `${i}`);
  }
});

test('what is no image is refused by what it is', async (t) => {
  const shelf = await Shelf.of(t);
  const { layers } = shelf.manifest() as { layers: Descriptor[] };
  const empty = shelf.blob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const helm = shelf.blob(Buffer.from('{"name":"chart"}'), 'application/vnd.cncf.helm.config.v1+json');
  const chart = { ...shelf.blob(Buffer.from('x'), 'application/vnd.cncf.helm.chart.content.v1.tar+gzip') };
  const cases: [object, string, code: string, RegExp][] = [
    [manifestOf(empty, layers), MEDIA.manifest, 'ERR_UNSUPPORTED', /an artifact, not an image: .*empty/],
    [manifestOf(helm, [chart]), MEDIA.manifest, 'ERR_UNSUPPORTED', /an artifact, not an image: .*helm/],
    [{ schemaVersion: 1, fsLayers: [] }, SCHEMA1, 'ERR_UNSUPPORTED', /schema 1 are not supported/],
    [{ schemaVersion: 1, fsLayers: [] }, 'application/json', 'ERR_UNSUPPORTED', /schema 1 are not supported/],
    [{ errors: [] }, 'application/json', 'ERR_BAD_MANIFEST', /schemaVersion must be set/],
  ];
  for (const [document, type, code, message] of cases) {
    shelf.say(document, type);
    await assert.rejects(shelf.fetch(), { code, message });
  }
  const upper = `${shelf.ref.replace(/:1$/, '')}@${digestOf(Buffer.from('x')).toUpperCase()}`;
  await assert.rejects(shelf.fetch(upper), { code: 'ERR_NAME_SYNTAX' });
});

test('blobs come from where the registry sends, which is told no credentials, and whole if not in part', async (t) => {
  const shelf = await Shelf.of(t);
  const layer = shelf.blob(shelf.tar, MEDIA.layer);
  shelf.say(shelf.manifest(layer));
  // As S3 does: it takes no second way to say who asks.
  const storage = (await TestServer.start(t)).serve('/bucket/blob', ({ headers }, response) => {
    const isFirst = storage.asked.length === 1;
    if (headers.authorization !== undefined || headers.range !== undefined) response.writeHead(400).end();
    else if (isFirst) response.writeHead(200).write(shelf.tar.subarray(0, 600), () => response.destroy());
    else response.end(shelf.tar);
  });
  const location = `${storage.url('/bucket/blob', 'localhost')}?X-Amz-Signature=secret`;
  shelf.override(`blobs/${layer.digest}`, ({ response }) => response.writeHead(307, { location }).end());
  assert.equal((await shelf.fetch()).existed, false);
  const ranges = storage.asked.map(({ headers }) => headers.range);
  assert.deepEqual(ranges, [undefined, 'bytes=600-', undefined]);
});

test('a push goes to registries that refuse what need not be', async (t) => {
  const shelf = await Shelf.of(t);
  shelf.say(shelf.manifest());
  await shelf.fetch();
  const { registry, ref } = shelf;
  const isMount = ({ url }: Exchange): boolean => url.searchParams.has('mount');
  const mounts = [400, 403, 404, 405].map((status) => (each: Exchange) => (isMount(each) ? status : undefined));
  const head = ({ method }: Exchange): number | undefined => (method === 'HEAD' ? 405 : undefined);
  const forget = ({ method }: Exchange): number | undefined => (method === 'DELETE' ? 405 : undefined);
  for (const [i, refusal] of [...mounts, head, forget].entries()) {
    registry.refusal = refusal;
    const target = `${registry.host}/other/${shelf.name}-${i}`;
    const pushed = await store.push(ref, `docker://${target}:1`);
    assert.equal(pushed.original, true);
    assert.ok(pushed.pushedBytes > 0 && registry.manifests.has(`other/${shelf.name}-${i} 1`));
  }
});

const HAS_IPV6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

test('a registry may have an address in place of a name', { skip: !HAS_IPV6 && 'no IPv6' }, async (t) => {
  const shelf = await Shelf.of(t);
  const server = await TestServer.start(t, { address: '::1' });
  const body = Buffer.from(JSON.stringify(shelf.manifest()));
  server.serve(`/v2/team/${shelf.name}/manifests/1`, { body, headers: { 'content-type': MEDIA.manifest } });
  server.serve('/v2/', '{}');
  for (const [digest, blob] of shelf.registry.blobs) server.serve(`/v2/team/${shelf.name}/blobs/${digest}`, blob);
  const name = `[::1]:${server.port}/team/${shelf.name}:1`;
  assert.deepEqual((await shelf.fetch(`docker://${name}`)).names, [name]);
  assert.equal((await store.resolve(name)).format, 'oci');
});
