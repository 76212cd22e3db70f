/**
 * The files of a prepared pod: its manifest, and its record, from which a lost index gets the pod's row again. Both are
 * written once. The index has the hash and size of the one, and all that is in the other, so that a file that was
 * replaced is not believed.
 */
import * as fs from 'node:fs';
import { defined } from '../core/defined.js';
import { CairnError, hasCode, isCairnError, naming, toCairnError } from '../core/errors.js';
import { isKey, isTreeId, keyOfBytes } from '../core/key.js';
import { MAX_POD_RECORD } from '../core/limits.js';
import { isUuid } from '../core/uuid.js';
import { type Layout, manifestIn, podRecordIn } from '../disk/layout.js';
import { isHeld } from '../disk/lock.js';
import type { PodAppRecord, PodRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

/** The first line of a pod's record. */
const MAGIC = 'cairn-pod 1\n';

/** What of a pod's row never changes. */
export type PodIdentity = Pick<PodRecord, 'id' | 'apps' | 'manifest' | 'createdAt'>;

export function encodePodRecord({ id, apps, manifest, createdAt }: PodIdentity): Buffer {
  const sorted = apps.map(({ name, image, treeId }) => ({ image, name, treeId }));
  const { key, size } = manifest;
  return Buffer.from(`${MAGIC}${JSON.stringify({ apps: sorted, createdAt, id, manifest: { key, size } })}\n`);
}

/** @throws CairnError `ERR_DAMAGED` for what {@link encodePodRecord} does not write */
export function decodePodRecord(bytes: Buffer, path: string): PodIdentity {
  const damaged = (cause?: unknown): CairnError =>
    new CairnError('ERR_DAMAGED', "not a pod's record", defined({ path, cause }));
  let found: Partial<PodIdentity>;
  try {
    if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged();
    found = JSON.parse(bytes.toString('utf8', MAGIC.length)) as Partial<PodIdentity>;
  } catch (error) {
    throw isCairnError(error) ? error : damaged(error);
  }
  const { id, apps, manifest, createdAt } = found;
  const isWhole =
    typeof id === 'string' &&
    isUuid(id) &&
    Array.isArray(apps) &&
    apps.every(isApp) &&
    typeof createdAt === 'number' &&
    isKey(`${manifest?.key}`) &&
    Number.isSafeInteger(manifest?.size);
  if (!isWhole) throw damaged();
  const identity = { id, apps, manifest, createdAt } as PodIdentity;
  if (!encodePodRecord(identity).equals(bytes)) throw damaged();
  return identity;
}

function isApp(app: Partial<PodAppRecord> | null): boolean {
  if (app === null || typeof app !== 'object') return false;
  return typeof app.name === 'string' && isKey(`${app.image}`) && isTreeId(`${app.treeId}`);
}

/** The exact bytes of a pod's manifest. @throws CairnError `ERR_DAMAGED` for any others */
export function readPodManifest(layout: Layout, pod: PodIdentity): Buffer {
  const dir = layout.pod(pod.id);
  mustBeDirectory(dir);
  const path = manifestIn(dir);
  const bytes = readOwn(path, pod.manifest.size);
  const found = keyOfBytes(bytes);
  if (found === pod.manifest.key) return bytes;
  throw new CairnError('ERR_DAMAGED', "a pod's manifest is not what it was", {
    path,
    expected: pod.manifest.key,
    found,
  });
}

/** Reads what a directory says of its pod. @throws CairnError `ERR_DAMAGED` */
export function readPodDirectory(layout: Layout, id: string): PodIdentity {
  const dir = layout.pod(id);
  mustBeDirectory(dir);
  const path = podRecordIn(dir);
  const pod = decodePodRecord(readOwn(path, MAX_POD_RECORD), path);
  if (pod.id !== id) throw new CairnError('ERR_DAMAGED', `the record of another pod: ${pod.id}`, { path });
  readPodManifest(layout, pod);
  return pod;
}

/** What is wrong with the files of a pod; undefined if nothing is. */
export function podFilesFault(layout: Layout, pod: PodRecord): string | undefined {
  try {
    const found = readPodDirectory(layout, pod.id);
    return encodePodRecord(found).equals(encodePodRecord(pod)) ? undefined : 'its record is not what it was';
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return error.message;
    throw error;
  }
}

/**
 * Whether a pod's apps run, or are being started or ended, by a lock that its runner holds: it goes with its holders.
 */
export function isPodRunning(layout: Layout, pod: PodRecord): boolean {
  return pod.startedAt !== undefined && pod.exitedAt === undefined && isHeld(layout.podLock(pod.id));
}

/** Pods that run now. */
export function runningPods({ index, layout }: Pick<StoreContext, 'index' | 'layout'>): PodRecord[] {
  return [...index.pods.values()].filter((pod) => isPodRunning(layout, pod));
}

function mustBeDirectory(dir: string): void {
  const stat = fs.lstatSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) throw new CairnError('ERR_DAMAGED', "a pod's directory is missing", { path: dir });
  if (!stat.isDirectory()) throw new CairnError('ERR_DAMAGED', "a pod's directory is something else", { path: dir });
}

/** Reads a file that we wrote. Never follows a link, never waits, and reads no more than was written. */
function readOwn(path: string, most: number): Buffer {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw new CairnError('ERR_DAMAGED', "a pod's file is missing", { path, cause });
    if (hasCode(cause, 'ELOOP', 'ENXIO', 'EACCES'))
      throw new CairnError('ERR_DAMAGED', "a pod's file is no file of ours", { path, cause });
    throw toCairnError(cause);
  }
  try {
    return naming(path, () => {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) throw new CairnError('ERR_DAMAGED', "a pod's file is no file of ours", { path });
      if (stat.size > most) throw new CairnError('ERR_DAMAGED', "a pod's file is larger than it was", { path });
      const bytes = Buffer.alloc(stat.size);
      return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, 0));
    });
  } catch (error) {
    throw toCairnError(error);
  } finally {
    fs.closeSync(fd);
  }
}
