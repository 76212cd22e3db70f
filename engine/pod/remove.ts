/**
 * Removes pods: those that somebody names, and those that a collection of pods takes.
 *
 * lock → what runs is ended, what is mounted is unmounted → the index lets go → renamed to staging → deleted
 *
 * A kill in between leaves the pod listed, or a directory that nothing lists and the next gc sweeps.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { discard } from '../content/delete.js';
import { isPodRunning } from '../content/pod-files.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError, throwIfAborted, toCairnError } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import { moveAside } from '../disk/durable.js';
import { type Lock, lock, tryLock } from '../disk/lock.js';
import { noteEvent } from '../index/events.js';
import { removePod } from '../index/pods.js';
import type { PodRecord } from '../index/records.js';
import { mustWrite, type StoreContext, sayLeftBehind } from '../session/context.js';
import { clearRun, endRun, removeSmall } from './run/left-runs.js';

export interface RemovePodOptions {
  /** Also pods that run, whose apps are killed. */
  force?: boolean;
  signal?: AbortSignal;
}

/** Pods that go in one transaction. The lock of each takes a descriptor. */
const AT_ONCE = 256;

/**
 * Removes pods. Whether one runs is looked at before the first one goes.
 * @throws CairnError `ERR_HELD` while one runs, unless `force`
 */
export async function removePods(
  store: StoreContext,
  pods: readonly PodRecord[],
  { force = false, signal }: RemovePodOptions = {},
): Promise<void> {
  mustWrite(store);
  const running = force ? undefined : pods.find((pod) => isPodRunning(store.layout, pod));
  if (running !== undefined) throw runs(running);
  const take = async (pod: PodRecord): Promise<Lock> => {
    const held = tryLock(store.layout.podLock(pod.id), true);
    if (held === undefined && !force) throw runs(pod);
    return held ?? lockEnded(store, pod.id, signal);
  };
  await removeInTurns(store, pods, take, defined({ signal }));
}

/** Removes pods as they are; those that somebody runs by now, or has run, stay. */
export async function removeUnchanged(
  store: StoreContext,
  pods: readonly PodRecord[],
  options: OperationOptions,
): Promise<void> {
  const { index, layout } = store;
  const take = async ({ id, startedAt, exitedAt }: PodRecord): Promise<Lock | undefined> => {
    const held = tryLock(layout.podLock(id), true);
    index.refresh();
    const pod = index.pods.get(id);
    if (pod !== undefined && pod.startedAt === startedAt && pod.exitedAt === exitedAt) return held;
    held?.release();
    return undefined;
  };
  await removeInTurns(store, pods, take, options);
}

/** @param take takes a pod's lock; a pod for which it gives none stays */
async function removeInTurns(
  store: StoreContext,
  pods: readonly PodRecord[],
  take: (pod: PodRecord) => Promise<Lock | undefined>,
  { signal, onProgress }: OperationOptions,
): Promise<void> {
  for (let done = 0; done < pods.length; done += AT_ONCE) {
    throwIfAborted(signal);
    onProgress?.({ what: 'removing', unit: 'items', done, total: pods.length });
    const held = new Map<string, Lock>();
    try {
      for (const pod of pods.slice(done, done + AT_ONCE)) {
        const lock = held.has(pod.id) ? undefined : await take(pod);
        if (lock !== undefined) held.set(pod.id, lock);
      }
      await takeAway(store, [...held.keys()]);
    } finally {
      for (const each of held.values()) each.release();
    }
  }
}

function runs({ id }: PodRecord): CairnError {
  return new CairnError('ERR_HELD', `pod ${id} runs; --force ends it first`, { entry: id });
}

/** How long the apps of a pod have to go, in milliseconds, before they are looked for again. */
const AGAIN_MS = 200;

/** Takes the lock of a pod that runs: its apps are killed, whoever runs them. */
async function lockEnded(store: StoreContext, id: string, signal: AbortSignal | undefined): Promise<Lock> {
  let held: Lock | undefined;
  const ended = lock(store.layout.podLock(id), true, signal).then((taken) => {
    held = taken;
  });
  while (held === undefined) {
    // Whoever runs the pod may be clearing up after it at the same time, or may be about to start an app.
    await Promise.allSettled([clearRun(store, id)]);
    await Promise.race([ended, sleep(AGAIN_MS)]);
  }
  return held;
}

/** The caller holds the pods' locks. */
export async function takeAway(store: StoreContext, ids: readonly string[]): Promise<void> {
  const { index, layout, staging } = store;
  if (ids.length === 0) return;
  for (const id of ids) await end(store, id);
  await index.commitRemoval(() => {
    for (const id of ids) {
      if (index.pods.get(id) !== undefined) noteEvent(index, { event: 'removed', pod: id });
      removePod(index, id);
    }
  });
  const dir = await store.uses.during(undefined, async () => staging.make());
  for (const id of ids) {
    try {
      moveAside(layout.pod(id), join(dir, id));
    } catch (error) {
      sayLeftBehind(store, error, `pod ${id}: `);
    }
  }
  await discard(store, [dir], () => removeSmall(store, dir));
}

/** A pod whose directory is something else is removed all the same. */
async function end(store: StoreContext, id: string): Promise<void> {
  try {
    await endRun(store, id);
  } catch (error) {
    if (!isCairnError(toCairnError(error), 'ERR_DAMAGED')) throw error;
  }
}
