/** Events: what happens, by whatever process, told once and in order, also to those who were away. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openStore } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { Served } from '../fixtures/served.js';

let served: Served;

before(async () => {
  // Served by one who only reads, while others write.
  served = await Served.start({}, async (dir) => {
    await (await openStore({ dir, workers: 1 })).close();
    return openStore({ dir, readOnly: true, shared: true, follow: true, workers: 1 });
  });
});
after(() => served.stop());

interface Told {
  id: number;
  event: string;
  image?: string;
  tree?: string;
  names?: string[];
}

/** Listens until `count` events have come. */
function listen(count: number, headers: http.OutgoingHttpHeaders = {}, path = '/api/v1/events') {
  const got: Told[] = [];
  let stop = (): void => {};
  const ready = deferred<void>();
  const done = new Promise<Told[]>((resolve, reject) => {
    const request = http.get(
      { host: '127.0.0.1', port: served.host.split(':')[1], path, headers, agent: false },
      (response) => {
        assert.match(response.headers['content-type'] as string, /^text\/event-stream/);
        let text = '';
        stop = () => request.destroy();
        response.on('data', (chunk) => {
          ready.resolve();
          text += chunk;
          const parts = text.split('\n\n');
          text = parts.pop() as string;
          for (const part of parts) {
            const data = /^data: (.*)$/m.exec(part)?.[1];
            if (data === undefined) continue;
            const told = JSON.parse(data) as Told;
            assert.equal(/^id: (.*)$/m.exec(part)?.[1], `${told.id}`);
            assert.equal(/^event: (.*)$/m.exec(part)?.[1], told.event);
            got.push(told);
          }
          if (got.length >= count) {
            resolve(got);
            request.destroy();
          }
        });
        response.on('error', () => resolve(got));
      },
    );
    request.on('error', (error) => (got.length >= count ? resolve(got) : reject(error)));
  });
  return { ready: ready.promise, done, got, stop: () => stop() };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('what other processes do is told in order, and can be taken up from any event', async () => {
  const file = join(served.dir, 'a.aci');
  fs.writeFileSync(file, aci({ name: 'example.com/a' }, [{ name: 'f', content: 'a' }]));
  const listener = listen(8);
  await listener.ready;
  await changeElsewhere(`await store.import(${JSON.stringify(file)});
    await store.import(${JSON.stringify(file)});
    await store.tag('example.com/a', 'a:1');
    await store.pin('a:1');
    await store.pin('a:1');
    await store.unpin('a:1');
    await store.render('a:1');
    await store.gc({ dryRun: true, images: true, graceMs: 0 });
    await store.untag(['a:1']);
    await store.gc({ images: true, graceMs: 0 });`);
  const told = await listener.done;
  assert.deepEqual(
    told.map(({ event, names, tree }) => [event, names?.join() ?? (tree === undefined ? 'image' : 'tree')]),
    [
      ['imported', 'example.com/a'],
      ['tagged', 'a:1'],
      ['pinned', 'image'],
      ['unpinned', 'image'],
      ['rendered', 'tree'],
      ['untagged', 'a:1'],
      ['collected', 'example.com/a'],
      ['collected', 'tree'],
    ],
  );
  const ids = told.map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.map((_id, i) => (ids[0] as number) + i),
  );
  for (const [i, id] of ids.slice(0, -1).entries()) {
    const rest = await listen(told.length - 1 - i, { 'last-event-id': `${id}` }).done;
    assert.deepEqual(rest, told.slice(i + 1));
  }
  const byQuery = await listen(2, {}, `/api/v1/events?after=${ids[5]}`).done;
  assert.deepEqual(byQuery, told.slice(6));
});

test('whoever was away for too long, or knows another journal, is told so', async () => {
  const [missed] = await listen(1, { 'last-event-id': '17' }).done;
  const { counts } = await served.json<{ counts: { lastEvent: number } }>('/api/v1/info');
  assert.deepEqual([missed?.event, missed?.id], ['missed', counts.lastEvent]);
  const [ahead] = await listen(1, { 'last-event-id': `${counts.lastEvent + 1000}` }).done;
  assert.equal(ahead?.event, 'missed');
  for (const id of ['-1', 'x', '1e9', '9'.repeat(17)])
    assert.equal((await served.ask('/api/v1/events', { headers: { 'last-event-id': id } })).status, 400, id);
});

test('hundreds of changes reach all listeners, each once', async () => {
  const rounds = 150;
  const listeners = Array.from({ length: 5 }, () => listen(2 * rounds));
  await Promise.all(listeners.map(({ ready }) => ready));
  await changeElsewhere(`const { key } = await store.import(${JSON.stringify(join(served.dir, 'a.aci'))});
    for (let i = 0; i < ${rounds}; i++) { await store.pin(key); await store.unpin(key); }`);
  for (const { done } of listeners) {
    const told = await done;
    const changes = told.map(({ event }) => event).slice(1);
    assert.deepEqual(
      changes,
      changes.map((_event, i) => (i % 2 === 0 ? 'pinned' : 'unpinned')),
    );
    for (let i = 1; i < told.length; i++) assert.equal(told[i]?.id, (told[i - 1]?.id as number) + 1);
  }
});

test('a list is whole while images come, and each that comes is told', async () => {
  const count = 60;
  const files = Array.from({ length: count }, (_none, i) => {
    const file = join(served.dir, `many-${i}.aci`);
    fs.writeFileSync(file, aci({ name: `example.com/many-${i}` }, [{ name: 'f', content: `${i}` }]));
    return file;
  });
  const listener = listen(count);
  await listener.ready;
  const importing = changeElsewhere(`await store.importAll(${JSON.stringify(files)});`);
  const list = async (): Promise<string[]> => {
    const names: string[] = [];
    let after = '';
    do {
      const page = await served.json<{ images: { names: string[] }[]; next?: string }>(
        `/api/v1/images?limit=7&prefix=example.com/many-${after}`,
      );
      names.push(...page.images.flatMap((image) => image.names));
      after = page.next === undefined ? '' : `&after=${page.next}`;
    } while (after !== '');
    return names;
  };
  while (listener.got.length < count) {
    const names = await list();
    assert.equal(new Set(names).size, names.length);
  }
  await importing;
  const told = (await listener.done).flatMap(({ names = [] }) => names);
  assert.deepEqual([...new Set(told)].sort(), (await list()).sort());
  assert.equal(told.length, count);
});

/** Runs code with the store open for writing, in another process. */
async function changeElsewhere(code: string): Promise<void> {
  const library = new URL('../../engine/store.js', import.meta.url).href;
  const script = `import { openStore } from ${JSON.stringify(library)};
    const store = await openStore({ dir: ${JSON.stringify(join(served.dir, 'store'))}, workers: 1 });
    ${code}
    await store.close();`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
}

test('the library tells the same, and ends with its signal or its store', async () => {
  const store = await openStore({ dir: join(served.dir, 'events'), workers: 1 });
  await store.import(join(served.dir, 'a.aci'));
  const [imported] = await store.recentEvents();
  const stop = new AbortController();
  const told: string[] = [];
  const reading = (async () => {
    for await (const { event } of store.events({ after: (imported?.id as number) - 1, signal: stop.signal })) {
      told.push(event);
      if (told.length === 2) stop.abort();
    }
  })();
  await store.pin('example.com/a');
  await assert.rejects(reading, { code: 'ERR_ABORTED' });
  assert.deepEqual(told, ['imported', 'pinned']);
  const endless = store.events();
  const ended = assert.rejects(endless.next(), { code: 'ERR_USAGE' });
  await store.close();
  await ended;
});
