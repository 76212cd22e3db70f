/** Pods over the API: listed with the filters of rkt's service, looked at, and told of as they change. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ToldEvent } from '../../engine/inspect/follow-events.js';
import { aci } from '../fixtures/archive.js';
import { podBytes } from '../fixtures/prepared.js';
import { BUSYBOX, NO_RUNTIME } from '../fixtures/runtime.js';
import { Served } from '../fixtures/served.js';

let served: Served;
let app: string;
let base: string;
/** Of a pod with one app, and of one with two and an annotation. */
let pods: [one: string, two: string];

before(async () => {
  served = await Served.start();
  await served.fill();
  const { store } = served;
  [app, base] = [await store.lookUp('example.com/app'), await store.lookUp('example.com/base')];
  const part = (name: string, id: string): object => ({ name, image: { id } });
  const one = await store.preparePod(podBytes([part('web', app)]));
  const annotations = [{ name: 'example.com/owner', value: 'me' }];
  const two = await store.preparePod(podBytes([part('web', app), part('db', base)], { annotations }));
  pods = [one.id, two.id];
});
after(() => served.stop());

interface Listed {
  pods: { pod: string; state: string; apps: { name: string }[] }[];
  next?: string;
}

const listed = async (query: string): Promise<string[]> =>
  (await served.json<Listed>(`/api/v1/pods?${query}`)).pods.map(({ pod }) => pod).sort();

test('pods are listed by any filter that the service of rkt knows', async () => {
  const [one, two] = pods;
  const both = [one, two].sort();
  const cases: [query: string, found: string[]][] = [
    ['', both],
    [`id=${one}`, [one]],
    [`id=${one.slice(0, 8)}&id=${two.toUpperCase()}`, both],
    ['state=prepared', both],
    ['state=running&state=exited', []],
    ['appName=web', both],
    ['appName=web&appName=db', [two]],
    ['appName=we', []],
    [`imageId=${base}`, [two]],
    [`imageId=${app.slice(0, 24)}`, both],
    [`imageId=${app}&imageId=${base}`, [two]],
    ['annotation=example.com/owner=me', [two]],
    ['annotation=example.com/owner=you', []],
    ['networkName=default', []],
    // What does not run is in no control group.
    ['cgroup=/', []],
    ['podSubCgroup=/a/b', []],
    ['appName=web&annotation=example.com/owner=me', [two]],
    [`filter=${encodeURIComponent('{"appNames":["db"]}')}&id=${one}`, both],
    [`filter=${encodeURIComponent('{"states":["exited"]}')}`, []],
  ];
  for (const [query, found] of cases) assert.deepEqual(await listed(query), found, query);
});

test('a filter that is none is refused, and so is what is no id', async () => {
  const bad = ['state=dead', 'annotation=x', 'nothing=1', `filter=${encodeURIComponent('{"names":[]}')}`];
  bad.push(
    `filter=${encodeURIComponent('{"ids":"a"}')}`,
    `filter=${encodeURIComponent('{"__proto__":[]}')}`,
    'after=..',
  );
  for (const query of bad) assert.equal((await served.ask(`/api/v1/pods?${query}`)).status, 400, query);
  for (const [id, status] of [
    ['..%2F..', 400],
    ['x', 400],
    ['0', 400],
    ['00000000-0000-0000-0000-000000000000', 404],
  ] as const)
    assert.equal((await served.ask(`/api/v1/pods/${id}`)).status, status, id);
});

test('pages hold together', async () => {
  const first = await served.json<Listed>('/api/v1/pods?limit=1');
  const second = await served.json<Listed>(`/api/v1/pods?limit=1&after=${first.next}`);
  assert.deepEqual([...first.pods, ...second.pods].map(({ pod }) => pod).sort(), [...pods].sort());
  assert.equal(second.next, undefined);
});

test('one pod is shown whole, and its manifest as it is', async () => {
  const [, two] = pods;
  const shown = await served.json(`/api/v1/pods/${two}`);
  assert.deepEqual(shown, JSON.parse(JSON.stringify(await served.store.showPod(two))));
  assert.deepEqual([shown['pid'], shown['state'], shown['networks']], [-1, 'prepared', []]);
  const manifest = await served.ask(`/api/v1/pods/${two.slice(0, 13)}/manifest`);
  assert.ok(manifest.body.equals(await served.store.catPodManifest(two)));
});

test('the page shows pods', async () => {
  const page = (await served.ask('/page/content')).body.toString();
  assert.match(page, /<h2 id="pods">Pods<\/h2>/);
  for (const id of pods) assert.ok(page.includes(`/api/v1/pods/${id}`));
  assert.match(page, /<td>web, db<\/td><td>prepared<\/td>/);
});

/** @returns what is told while work is done */
async function toldDuring(work: () => Promise<unknown>): Promise<[event: string, pod: string | undefined][]> {
  const { store } = served;
  const { lastEvent } = await store.counts();
  await work();
  const told: ToldEvent[] = [];
  const { lastEvent: until } = await store.counts();
  for await (const event of store.events({ after: lastEvent })) {
    told.push(event);
    if (event.id === until) break;
  }
  return told.filter((each) => 'pod' in each).map((each) => [each.event, 'pod' in each ? each.pod : undefined]);
}

test('what becomes of a pod is told', { skip: NO_RUNTIME }, async () => {
  const { store, dir } = served;
  const file = join(dir, 'box.aci');
  const box = { exec: ['/busybox', 'sh', '-c', 'exit 5'], user: '0', group: '0' };
  const content = fs.readFileSync(BUSYBOX as string);
  fs.writeFileSync(
    file,
    aci({ name: 'example.com/box', more: { app: box } }, [{ name: 'busybox', mode: 0o755, content }]),
  );
  const { key } = await store.import(file);
  let id = '';
  const told = await toldDuring(async () => {
    id = (await store.preparePod([key])).id;
    assert.equal((await store.runPod(id)).exitCode, 5);
    assert.deepEqual(await listed('state=exited'), [id]);
    await store.removePods([id]);
  });
  assert.deepEqual(
    told,
    ['prepared', 'started', 'exited', 'removed'].map((event) => [event, id]),
  );
  const transient = await toldDuring(() => store.run([key]));
  assert.deepEqual(
    transient.map(([event]) => event),
    ['prepared', 'started', 'removed'],
  );
});

test('a pod that is removed or collected is told once', async () => {
  const { store } = served;
  const { id } = await store.preparePod(podBytes([{ name: 'web', image: { id: app } }]));
  const told = await toldDuring(() => store.gcPods({ expirePreparedMs: 0 }));
  assert.deepEqual(
    told.map(([event]) => event),
    ['removed', 'removed', 'removed'],
  );
  assert.ok(told.some(([, pod]) => pod === id));
  await assert.rejects(store.removePods([id]), { code: 'ERR_NOT_FOUND' });
});
