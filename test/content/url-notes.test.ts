/** Notes on URLs are a cache: what is wrong in one counts as nothing, and gc takes what leads nowhere. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashOfUrl, readUrlNote, type UrlNote, writeUrlNote } from '../../engine/content/url-notes.js';
import type { Key } from '../../engine/core/key.js';
import { contextOf } from '../../engine/facade/opened.js';
import { openStore } from '../../engine/store.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { before } from '../fixtures/keys.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

const came = (image: Key): NonNullable<UrlNote['came']> => ({ image, size: 1, at: 2, fresh: 3, etag: '"x"' });

test('a note is read as it was written, and one that is damaged counts as none', async (t) => {
  const { store: dir } = new TestStore(t);
  await using store = await openStore({ dir });
  const context = contextOf(store);
  const hex = hashOfUrl(new URL('https://example.com/app.aci?token=secret'));
  assert.deepEqual(readUrlNote(context, hex), {});
  const note = { coming: '"y"', came: came(`sha512-${'a'.repeat(128)}`) };
  writeUrlNote(context, hex, note);
  assert.deepEqual(readUrlNote(context, hex), note);
  const path = context.layout.urlNote(hex);
  assert.ok(!fs.readFileSync(path, 'utf8').includes('secret'));
  const bad: unknown[] = [
    '{',
    '[]',
    'null',
    '1',
    { coming: 1 },
    { came: {} },
    { came: null },
    { came: { ...note.came, image: 'x' } },
  ];
  bad.push(
    { came: { ...note.came, signed: { key: 1 } } },
    { came: { ...note.came, etag: 5 } },
    { came: { ...note.came, at: '2' } },
  );
  for (const each of bad) {
    fs.writeFileSync(path, typeof each === 'string' ? each : JSON.stringify(each));
    assert.deepEqual(readUrlNote(context, hex), {}, JSON.stringify(each));
  }
});

test('gc leaves notes that lead to an image, or to the beginning of one', async (t) => {
  const files = new TestStore(t);
  const path = files.aci('app.aci', { name: 'example.com/app' });
  await using store = await openStore({ dir: files.store });
  const { key } = await store.import(path);
  const context = contextOf(store);
  const [led, begun, astray] = ['led', 'begun', 'astray'].map((name) =>
    hashOfUrl(new URL(`https://example.com/${name}`)),
  ) as [string, string, string];
  writeUrlNote(context, led, { came: came(key) });
  writeUrlNote(context, begun, { coming: '"x"' });
  writeUrlNote(context, astray, { came: came(`sha512-${'a'.repeat(128)}`) });
  const { fetching } = context.layout;
  fs.writeFileSync(join(fetching, begun), 'a beginning');
  const names = () => fs.readdirSync(fetching).sort();
  await store.gc();
  assert.deepEqual(names(), [begun, `${begun}.json`, `${led}.json`].sort());
  for (const name of names()) fs.utimesSync(join(fetching, name), before(8), before(8));
  await store.gc();
  assert.deepEqual(names(), [`${led}.json`]);
});
