/** What was verified of an image is recorded with it, and told by `inspect`. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { importFor } from '../../engine/facade/opened.js';
import type { Imported, ImportRequest } from '../../engine/import/index.js';
import { openStore } from '../../engine/store.js';
import { tar } from '../fixtures/archive.js';
import { documentsIn } from '../fixtures/documents.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';

keepThreads();

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const SIGNED = { key: '00ff', by: 'Releases <releases@example.com>', at: AT };
const TOLD = { ...SIGNED, at: '2026-01-02T03:04:05.000Z' };

async function imported(s: TestStore, source: string, request: ImportRequest): Promise<Imported> {
  await using store = await openStore({ dir: s.store, workers: 1 });
  return (await importFor(store, [source], request))[0] as Imported;
}

const signatureOf = async (s: TestStore, key: string): Promise<unknown> =>
  (await s.json<Json>(['inspect', key]))['signature'];

test('what was verified of an image is told, and found again without the index', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [{ ref: 'example.com/oci:1', layers: [tar([{ name: 'f', content: 'f' }])] }]);
  const aci = s.aci('app.aci', { name: 'example.com/app' }, [{ name: 'f', content: 'f' }]);
  const keys: string[] = [];
  for (const source of [aci, s.path('layout')]) keys.push((await imported(s, source, { signature: SIGNED })).key);
  for (const key of keys) assert.deepEqual(await signatureOf(s, key), TOLD);
  const text = (await s.ok(['inspect', 'example.com/app'])).stdout.toString();
  assert.match(text, /^verified +2026-01-02T03:04:05\.000Z, signed by Releases <releases@example\.com>, key 00ff$/m);
  fs.rmSync(`${s.store}/index`, { recursive: true });
  await s.ok(['fsck', '--rebuild-index']);
  for (const key of keys) assert.deepEqual(await signatureOf(s, key), TOLD);
});

test('an image that is here gets what is verified now, and keeps it', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('layout'), [{ ref: 'example.com/oci:1', layers: [tar([{ name: 'f', content: 'f' }])] }]);
  for (const source of [s.aci('app.aci', { name: 'example.com/app' }), s.path('layout')]) {
    const { key } = await imported(s, source, {});
    assert.equal(await signatureOf(s, key), null);
    assert.doesNotMatch((await s.ok(['inspect', key])).stdout.toString(), /verified/);
    assert.equal((await imported(s, source, { signature: SIGNED })).existed, true);
    assert.deepEqual(await signatureOf(s, key), TOLD);
    await imported(s, source, {});
    await imported(s, source, { signature: { ...SIGNED, key: 'aa', at: AT - 1 } });
    assert.deepEqual(await signatureOf(s, key), TOLD);
    await imported(s, source, { signature: { ...SIGNED, at: AT + 1 }, leaveNames: true });
    assert.deepEqual(await signatureOf(s, key), { ...TOLD, at: '2026-01-02T03:04:05.001Z' });
  }
  const latest = documentsIn(s.store).map(({ image }) => image.signature?.at ?? 0);
  assert.equal(Math.max(...latest), AT + 1);
});
