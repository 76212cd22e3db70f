/** Checks whether objects and blobs are what their names say. */

import { type ByteString, fromText } from '../../engine/core/bytes.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { PackAddress } from '../../engine/core/object.js';
import { openForReading } from '../../engine/disk/file-bytes.js';
import { faultOf } from '../../engine/disk/path-fault.js';
import { fileStat } from '../../engine/disk/stat.js';
import { homeAt } from '../../engine/objects/homes.js';
import { HASH_ROOM, hashOf, PackHasher } from '../files/hash-file.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Finding, VerifiedObjects, VerifyBlobsTask, VerifyObjectsTask, VerifyResult } from '../tasks/verify.js';

const NOTHING: readonly SkippedKind[] = [];

export function verifyObjects(task: VerifyObjectsTask): VerifiedObjects {
  const { control, copies, quick } = task;
  const home = homeAt(task.objects);
  const findings: VerifiedObjects['findings'] = [];
  const names = task.names.split('\0');
  const inodes = new BigUint64Array(names.length);
  const room = Buffer.allocUnsafe(HASH_ROOM);
  const packs = new PackHasher(control);
  const hash = (fd: number, size: number, at?: PackAddress): string =>
    at === undefined ? hashOf(fd, size, room, control) : packs.hash(fd, at, size);
  let bytes = 0;
  names.forEach((name, i) => {
    checkCancelled(control);
    const size = task.sizes[i] as number;
    const look = { size, quick, skipped: task.skipped[name] ?? NOTHING, at: placeIn(task.places, i), hash };
    const { faults, onlyMetadata, inode } = home.verify({ name, copy: copies[i] as number }, look);
    inodes[i] = inode;
    for (const what of faults) findings.push({ at: i, what, onlyMetadata });
    bytes += size;
    countItems(control, 1);
  });
  return { bytes, findings, inodes };
}

function placeIn(places: Float64Array, i: number): PackAddress | undefined {
  const pack = places[2 * i] as number;
  return pack === 0 ? undefined : { pack, offset: places[2 * i + 1] as number };
}

export function verifyBlobs(task: VerifyBlobsTask): VerifyResult {
  const findings: Finding[] = [];
  const room = Buffer.allocUnsafe(HASH_ROOM);
  let bytes = 0;
  for (const { path, sha512, size } of task.blobs) {
    checkCancelled(task.control);
    try {
      const hash = (fd: number): string => hashOf(fd, size, room, task.control);
      const what = faultOfBlob(fromText(path), { sha512, size }, task.quick ? undefined : hash);
      if (what !== undefined) findings.push({ id: path, what });
    } catch (error) {
      findings.push({ id: path, what: faultOf(error) });
    }
    bytes += size;
    countItems(task.control, 1);
  }
  return { bytes, findings };
}

/** @param hash hashes an open file; `undefined` if the content is not to be checked */
function faultOfBlob(
  path: ByteString,
  { sha512, size }: { sha512: string; size: number },
  hash: ((fd: number) => string) | undefined,
): string | undefined {
  const stat = fileStat(path);
  if (stat === undefined) return 'missing';
  if (stat.type !== 'file') return 'not a regular file';
  if (stat.size !== size) return `${stat.size} bytes instead of ${size}`;
  if (hash === undefined || openForReading(path, hash) === sha512) return undefined;
  return 'content does not have the hash it is named by';
}
