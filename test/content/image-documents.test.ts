/** Every image has a document with all that the index knows of it, and the document stays up to date. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { commitImages } from '../../engine/content/document-writer.js';
import { decodeImageDocument, documentOf, encodeImageDocument } from '../../engine/content/image-document.js';
import { CairnError } from '../../engine/core/errors.js';
import { TAKE_BACK } from '../../engine/index/open.js';
import type { ImageRecord, LayerRecord } from '../../engine/index/records.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { blobsIn, documentsIn } from '../fixtures/documents.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

keepThreads();

const BASE = aci({ name: 'example.com/base', labels: { version: '1' } }, [{ name: 'f', content: 'base' }]);

async function storeWithBase(t: TestContext): Promise<TestStore> {
  const s = new TestStore(t);
  await s.ok(['import', s.write('base.aci', BASE)]);
  return s;
}

/** The revisions in the store, and whether the last one is pinned. */
function revisions(s: TestStore): { revisions: number[]; pinned: boolean | undefined } {
  const found = documentsIn(s.store);
  return { revisions: found.map(({ revision }) => revision), pinned: found.at(-1)?.image.pinned };
}

async function isSound(s: TestStore): Promise<void> {
  const fsck = await s.json(['fsck']);
  assert.deepEqual([fsck['ok'], fsck['stray'], fsck['miscounted']], [true, [], []]);
  await s.ok(['check']);
}

test('an import writes a document that names table of contents, recipe and manifest', async (t) => {
  const s = await storeWithBase(t);
  const [document, ...more] = documentsIn(s.store);
  assert.ok(document);
  assert.equal(more.length, 0);
  const shown = await s.json<Json & { layers: Json[] }>(['inspect', 'example.com/base']);
  const [layer] = document.layers;
  assert.equal(document.revision, 1);
  assert.deepEqual(
    [document.image.key, document.image.name, document.image.size, document.layers.length],
    [shown['key'], 'example.com/base', shown['size'], 1],
  );
  assert.deepEqual([layer?.toc.key, layer?.recipe.key], [shown.layers[0]?.['toc'], shown.layers[0]?.['recipe']]);
  for (const key of [document.image.manifest, layer?.toc.key, layer?.recipe.key])
    assert.ok(blobsIn(s.store).some(({ hex }) => `sha512-${hex}` === key));
  for (const field of ['lastUsed', 'document', 'revision', 'refs'])
    assert.ok(!(field in document.image) && !(field in (layer ?? {})), field);
  await isSound(s);
});

test('the same document has the same bytes, whatever the order of its fields', () => {
  const image = {
    key: `sha512-${'1'.repeat(128)}`,
    name: 'example.com/x',
    labels: [],
    format: 'aci',
    size: 1,
    importTime: 1.5,
    lastUsed: 2,
    latest: false,
    pinned: false,
    layers: [`sha512-${'1'.repeat(128)}`],
    manifest: `sha512-${'2'.repeat(128)}`,
    dependencies: [],
    filters: false,
  } satisfies ImageRecord as ImageRecord;
  const blob = { key: `sha512-${'3'.repeat(128)}`, size: 3 } as const;
  const counts = { size: 1, entries: 1, files: 1, contentBytes: 1, objects: 1, objectBytes: 1 };
  const layer: LayerRecord = {
    ...counts,
    key: image.key,
    format: 'aci',
    toc: blob,
    recipe: blob,
    archiveDigests: [],
    refs: 1,
  };
  const bytes = encodeImageDocument(documentOf(image, [layer], 1));
  const turned = Object.fromEntries(Object.entries(image).reverse()) as unknown as ImageRecord;
  assert.deepEqual(encodeImageDocument(documentOf(turned, [layer], 1)), bytes);
  assert.deepEqual(encodeImageDocument(documentOf({ ...image, lastUsed: 9 }, [{ ...layer, refs: 7 }], 1)), bytes);
  assert.notDeepEqual(encodeImageDocument(documentOf({ ...image, pinned: true }, [layer], 1)), bytes);
  assert.deepEqual(encodeImageDocument(decodeImageDocument(bytes)), bytes);
  const text = bytes.toString();
  for (const [why, spoiled] of Object.entries({
    magic: text.replace('cairn-image 1', 'cairn-image 2'),
    json: text.slice(0, -3),
    revision: text.replace('"revision":1', '"revision":"1"'),
    key: text.replace(/"manifest":"sha512-2/, '"manifest":"sha512-x'),
    'layer left out': text.replace(/"layers":\["sha512-1/, '"layers":["sha512-4'),
    'no layers': text.replace(/"layers":\[\{.*\}\]/, '"layers":null'),
    path: text.replace('"format":"aci"', '"format":"../x"'),
  })) {
    assert.notEqual(spoiled, text, why);
    assert.throws(
      () => decodeImageDocument(Buffer.from(spoiled)),
      (error) => error instanceof CairnError && error.code === 'ERR_DAMAGED',
      why,
    );
  }
});

test('a pin makes a new document; the old one goes with the next gc', async (t) => {
  const s = await storeWithBase(t);
  await s.ok(['pin', 'example.com/base']);
  assert.deepEqual(revisions(s), { revisions: [1, 2], pinned: true });
  await isSound(s);
  await s.ok(['gc']);
  assert.deepEqual(revisions(s), { revisions: [2], pinned: true });
  await s.ok(['pin', 'example.com/base']);
  assert.deepEqual(revisions(s), { revisions: [2], pinned: true });
  await s.ok(['unpin', 'example.com/base']);
  await s.ok(['gc']);
  assert.deepEqual(revisions(s), { revisions: [3], pinned: false });
  await isSound(s);
  await s.ok(['rm', 'example.com/base']);
  assert.deepEqual(blobsIn(s.store), []);
});

test('an image that comes again keeps its document, unless it brings something new', async (t) => {
  const s = await storeWithBase(t);
  await s.ok(['import', s.path('base.aci')]);
  assert.deepEqual(revisions(s).revisions, [1]);
  await s.ok(['import', s.write('base.aci.gz', gzipSync(BASE))]);
  const [, second, ...more] = documentsIn(s.store);
  assert.equal(more.length, 0);
  assert.equal(second?.revision, 2);
  const digest = createHash('sha256')
    .update(fs.readFileSync(s.path('base.aci.gz')))
    .digest('hex');
  assert.ok(second?.layers[0]?.archiveDigests.some((archive) => archive.digest === `sha256:${digest}`));
  await isSound(s);
});

test("an OCI image's further names and kept archives are in its document", async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [{ ref: 'v1', compress: 'gzip', layers: [tar([{ name: 'a', content: 'a' }])] }]);
  await s.ok(['import', s.path('layout'), '--name', 'example.com/web:1']);
  await s.ok(['import', s.path('layout'), '--name', 'example.com/web:stable']);
  await s.ok(['import', s.path('layout'), '--name', 'example.com/web:1', '--keep-archive']);
  const last = documentsIn(s.store).at(-1);
  assert.equal(last?.revision, 3);
  assert.deepEqual(
    last?.image.aliases?.map(({ labels }) => labels),
    [[{ name: 'version', value: 'stable' }]],
  );
  assert.equal(last?.image.archives?.length, 1);
  await isSound(s);
  await s.ok(['gc']);
  assert.deepEqual(revisions(s).revisions, [3]);
});

test('a document whose commit never came is swept by the next gc', async (t) => {
  const s = await storeWithBase(t);
  const context = await openContext({ dir: s.store });
  const store = new Store(context);
  const image = context.index.image(documentsIn(s.store)[0]?.image.key as ImageRecord['key']) as ImageRecord;
  const failing = commitImages(
    context,
    (documents) => documents.revise({ ...image, pinned: true }),
    async (change) => {
      await context.index.commit(() => {
        change();
        return TAKE_BACK;
      });
      throw new Error('the disk is gone');
    },
  );
  await assert.rejects(failing, /the disk is gone/);
  await store.close();
  assert.deepEqual(revisions(s).revisions, [1, 2]);
  assert.equal(fs.readdirSync(join(s.store, 'staging')).length, 1);
  await s.ok(['gc']);
  assert.deepEqual(revisions(s), { revisions: [1], pinned: false });
  await isSound(s);
});
