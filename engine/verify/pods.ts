/** Looks at the files of pods, which are small and so are read whole, and takes away pods that are damaged. */
import { setImmediate } from 'node:timers/promises';
import { podFilesFault } from '../content/pod-files.js';
import { throwIfAborted } from '../core/errors.js';
import { mountsBelow } from '../disk/mounts.js';
import type { Quarantine } from '../disk/quarantine.js';
import { removePod } from '../index/pods.js';
import type { PodRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

export interface DroppedPod {
  id: string;
  what: string;
  action: 'quarantined' | 'dropped';
}

/** Pods between two pauses, in which other work on this thread has its turn. */
const AT_ONCE = 256;

/** What is wrong with a pod's files. A pod that goes when it has ended may have none after a power cut. */
export function faultOfPod({ layout }: Pick<StoreContext, 'layout'>, pod: PodRecord): string | undefined {
  return pod.transient === true ? undefined : podFilesFault(layout, pod);
}

/** Pods that are removed meanwhile are not damaged. @returns what is wrong, by pod, and how many were looked at */
export async function checkPods(
  store: StoreContext,
  signal: AbortSignal | undefined,
): Promise<{ pods: number; faults: Map<string, string> }> {
  const { index } = store;
  const faults = new Map<string, string>();
  let pods = 0;
  for (const pod of [...index.pods.values()]) {
    if (pods++ % AT_ONCE === 0) {
      await setImmediate();
      throwIfAborted(signal);
    }
    const what = faultOfPod(store, pod);
    if (what === undefined) continue;
    index.refresh();
    if (index.pods.has(pod.id)) faults.set(pod.id, what);
  }
  return { pods, faults };
}

/**
 * Drops pods whose files are not what they were: they cannot be run, but prepared anew. What is left of their files
 * goes to quarantine, since it may yet say something to somebody.
 */
export async function dropDamagedPods(store: StoreContext, quarantine: Quarantine): Promise<DroppedPod[]> {
  const { index, layout, notice } = store;
  const broken = new Map<string, string>();
  for (const pod of index.pods.values()) {
    const what = faultOfPod(store, pod);
    if (what === undefined) continue;
    // What a run has mounted there would go along, and be deleted with the quarantine.
    if (mountsBelow(layout.pod(pod.id)).length === 0) broken.set(pod.id, what);
    else notice(`pod ${pod.id} is damaged (${what}), and was run: "cairn pod rm --force" takes it away`);
  }
  if (broken.size === 0) return [];
  await index.commitRemoval(() => {
    for (const id of broken.keys()) removePod(index, id);
  });
  return [...broken].map(([id, what]) => {
    const action = quarantine.take(layout.pod(id)) ? 'quarantined' : 'dropped';
    return { id, what, action };
  });
}
