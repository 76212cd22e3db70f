/** The lock between those who rely on objects and those who remove some: that each has its turn. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';
import { isHeld } from '../../engine/disk/lock.js';
import { contextOf } from '../../engine/facade/opened.js';
import type { UseLock } from '../../engine/session/use-lock.js';
import { openStore } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

const EACH_MS = 80;

/** Several open stores, as several processes would have them. */
async function locksOf(t: TestContext, count: number): Promise<{ layout: Layout; locks: UseLock[] }> {
  const dir = new TestStore(t).store;
  const locks: UseLock[] = [];
  for (let i = 0; i < count; i++) {
    const store = await openStore({ dir, workers: 1 });
    t.after(() => store.close());
    locks.push(contextOf(store).uses);
  }
  return { layout: new Layout(dir), locks };
}

/** Has one user begin before the last one ends, so that the lock is never free. @returns what ends that */
function keepBusy(users: readonly UseLock[]): () => Promise<number> {
  let isOver = false;
  let turns = 0;
  const work = async (user: UseLock, wait: number): Promise<void> => {
    for (await sleep(wait); !isOver; turns++) await user.during(undefined, () => sleep(EACH_MS));
  };
  const all = users.map((user, i) => work(user, (i * EACH_MS) / users.length));
  return async () => {
    isOver = true;
    await Promise.all(all);
    return turns;
  };
}

/** Relies on objects. @returns what ends that */
async function hold(user: UseLock): Promise<() => Promise<void>> {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let ended = finished;
  await new Promise<void>((begun) => {
    ended = user.during(undefined, () => {
      begun();
      return finished;
    });
  });
  return () => {
    finish();
    return ended;
  };
}

test('a gc has its turn where somebody is always at work, and those go on after it', async (t) => {
  const { layout, locks } = await locksOf(t, 5);
  const [collector, ...users] = locks as [UseLock, ...UseLock[]];
  const end = keepBusy(users);
  await sleep(2 * EACH_MS);
  assert.equal(collector.tryAlone(), undefined, 'the negative control: without waiting there is no turn');
  const alone = await collector.soonAlone(undefined);
  assert.ok(alone !== undefined);
  assert.ok(isHeld(layout.useLock));
  assert.ok(!isHeld(layout.useGate), 'the gate is open again, and the lock itself keeps others out');
  assert.equal(collector.tryAlone(), undefined);
  alone.release();
  await sleep(4 * EACH_MS);
  assert.ok((await end()) > 0);
});

test('who works longer than a gc waits is not disturbed, and others begin when the gc gives up', async (t) => {
  const { layout, locks } = await locksOf(t, 3);
  const [collector, long, other] = locks as [UseLock, UseLock, UseLock];
  const end = await hold(long);
  const waiting = collector.soonAlone(undefined);
  while (!isHeld(layout.useGate)) await sleep(1);
  let hasBegun = false;
  const begun = other.during(undefined, async () => {
    hasBegun = true;
  });
  await long.during(undefined, async () => assert.ok(!hasBegun, 'who is in already does not wait'));
  assert.equal(await waiting, undefined);
  await begun;
  await end();
});

test('who waits at the gate does not keep a gc of the same process from its turn', async (t) => {
  const { layout, locks } = await locksOf(t, 1);
  const [lock] = locks as [UseLock];
  const end = await hold(lock);
  const waiting = lock.soonAlone(undefined);
  while (!isHeld(layout.useGate)) await sleep(1);
  await end();
  let isIn = false;
  const next = lock.during(undefined, async () => {
    isIn = true;
  });
  const alone = await waiting;
  assert.ok(alone !== undefined && !isIn);
  alone.release();
  await next;
  assert.ok(isIn);
});

test('a wait for a turn, and one at the gate, can be cancelled', async (t) => {
  const { layout, locks } = await locksOf(t, 3);
  const [collector, user, other] = locks as [UseLock, UseLock, UseLock];
  const end = await hold(user);
  const [gc, late] = [new AbortController(), new AbortController()];
  const waiting = collector.soonAlone(gc.signal);
  while (!isHeld(layout.useGate)) await sleep(1);
  const atGate = other.during(late.signal, async () => {});
  late.abort();
  await assert.rejects(atGate, (error) => isCairnError(error, 'ERR_ABORTED'));
  gc.abort();
  await assert.rejects(waiting, (error) => isCairnError(error, 'ERR_ABORTED'));
  assert.ok(!isHeld(layout.useGate));
  await end();
});
