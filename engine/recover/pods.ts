/** Pods in a backup, and in an index that is made anew. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type PodIdentity, readPodDirectory } from '../content/pod-files.js';
import { CairnError, hasCode, isCairnError, throwIfAborted } from '../core/errors.js';
import { isUuid } from '../core/uuid.js';
import { type Layout, manifestIn, podRecordIn, podStartedIn } from '../disk/layout.js';
import { isHeld } from '../disk/lock.js';
import type { Index } from '../index/open.js';
import { removePod } from '../index/pods.js';
import type { PodRecord } from '../index/records.js';

/** Pods between two pauses, in which other work on this thread has its turn. */
const AT_ONCE = 256;

/**
 * Gives the pods of a backup their manifests and records, and takes those from its index that have been removed
 * meanwhile. What they left when they were run is not copied.
 */
export async function copyPods(
  from: Layout,
  to: Layout,
  index: Index,
  signal: AbortSignal | undefined,
): Promise<number> {
  const gone: string[] = [];
  let copied = 0;
  for (const id of [...index.pods.keys()]) {
    if (copied % AT_ONCE === 0) await setImmediate();
    throwIfAborted(signal);
    if (copyPod(from.pod(id), to.pod(id))) copied++;
    else gone.push(id);
  }
  if (gone.length > 0) await index.commit(() => gone.forEach((id) => void removePod(index, id)));
  return copied;
}

function copyPod(from: string, to: string): boolean {
  try {
    if (!fs.lstatSync(from).isDirectory()) return false;
    fs.mkdirSync(to, { mode: 0o700 });
    for (const placeIn of [manifestIn, podRecordIn]) copyFile(placeIn(from), placeIn(to));
    return true;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    fs.rmSync(to, { recursive: true, force: true });
    return false;
  }
}

/** They are never changed in place, so a further name does as well as a copy. A link is copied as what it is. */
function copyFile(from: string, to: string): void {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    if (!hasCode(error, 'EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL);
  }
}

export interface FoundPods {
  pods: PodRecord[];
  /** Pods whose files are not what they were. */
  lost: { pod: string; why: string }[];
}

/** Reads from pods' directories what the index knew of them, but for how they ended. */
export function readPods(layout: Layout): FoundPods {
  const found: FoundPods = { pods: [], lost: [] };
  for (const name of namesOfPods(layout)) {
    if (!isUuid(name)) continue;
    try {
      found.pods.push({ ...readPodDirectory(layout, name), ...timesOf(layout, name) });
    } catch (error) {
      if (!isCairnError(error, 'ERR_DAMAGED')) throw error;
      found.lost.push({ pod: name, why: error.message });
    }
  }
  return found;
}

/** What cannot be listed must not pass for no pods: then they would be lost. @throws as `readdir` does */
function namesOfPods({ pods }: Layout): string[] {
  try {
    return fs.readdirSync(pods);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function timesOf(layout: Layout, id: PodIdentity['id']): Pick<PodRecord, 'startedAt'> {
  const started = fs.lstatSync(podStartedIn(layout.pod(id)), { throwIfNoEntry: false });
  return started === undefined ? {} : { startedAt: Math.round(started.mtimeMs) };
}

/** Trees go when an index is made anew. @throws CairnError `ERR_HELD` while a pod runs on one */
export function mustNotRunNow(layout: Layout): void {
  const running = namesOfPods(layout).find((name) => isUuid(name) && isHeld(layout.podLock(name)));
  if (running === undefined) return;
  throw new CairnError('ERR_HELD', `pod ${running} runs; end it first`, { path: join(layout.pods, running) });
}
