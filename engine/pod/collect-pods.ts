/**
 * Collects pods that have ended, and prepared ones that nobody has run. As rkt's gc does, it marks a pod when it first
 * finds it ended. The grace period begins when the pod ended, or at its mark, if its runner was killed and left no
 * time.
 */
import { isPodRunning } from '../content/pod-files.js';
import { throwIfAborted } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import { isHeld } from '../disk/lock.js';
import { putPod } from '../index/pods.js';
import type { PodRecord } from '../index/records.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { removeUnchanged } from './remove.js';
import { type PodSummary, PodsLook } from './states.js';

export const DEFAULT_POD_GRACE_MS = 30 * 60 * 1000;
export const DEFAULT_EXPIRE_PREPARED_MS = 24 * 3600 * 1000;

export interface PodGcOptions extends OperationOptions {
  /** Milliseconds that a pod stays after it has ended; 30 minutes by default. */
  graceMs?: number;
  /** Milliseconds for which a prepared pod waits to be run; 24 hours by default. */
  expirePreparedMs?: number;
  /** Mark pods that have ended, and remove none. */
  markOnly?: boolean;
  dryRun?: boolean;
}

/** @returns the pods that went, or in a dry run would go, as they were */
export async function collectPods(store: StoreContext, options: PodGcOptions = {}): Promise<PodSummary[]> {
  mustWrite(store);
  const now = Date.now();
  const { graceMs = DEFAULT_POD_GRACE_MS, expirePreparedMs = DEFAULT_EXPIRE_PREPARED_MS } = options;
  throwIfAborted(options.signal);
  const ended = [...store.index.pods.values()].filter((pod) => pod.startedAt !== undefined && !isLive(store, pod));
  if (options.dryRun !== true) await mark(store, ended, now);
  const isDue = (pod: PodRecord): boolean => {
    if (pod.startedAt === undefined) return pod.createdAt + expirePreparedMs <= now && !isLive(store, pod);
    return pod.transient === true || (pod.exitedAt ?? pod.gcMarkedAt ?? now) + graceMs <= now;
  };
  const expired = [...store.index.pods.values()].filter((pod) => pod.startedAt === undefined);
  const due = options.markOnly === true ? [] : [...ended, ...expired].filter(isDue);
  const look = new PodsLook(store);
  const told = due.map((pod) => look.summarize(pod));
  if (options.dryRun !== true) await removeUnchanged(store, due, options);
  return told;
}

/** A pod that is about to be run has its lock held, too. */
function isLive({ layout }: StoreContext, pod: PodRecord): boolean {
  return isPodRunning(layout, pod) || isHeld(layout.podLock(pod.id));
}

async function mark({ index }: StoreContext, pods: readonly PodRecord[], now: number): Promise<void> {
  const unmarked = pods.filter(({ gcMarkedAt }) => gcMarkedAt === undefined);
  if (unmarked.length === 0) return;
  await index.commitRemoval(() => {
    for (const { id } of unmarked) {
      const pod = index.pods.get(id);
      if (pod !== undefined) putPod(index, { ...pod, gcMarkedAt: now });
    }
  });
}
