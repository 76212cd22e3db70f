/** Makes the empty volumes of an app, and the places where its volumes appear. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { fromText, toText } from '../../core/bytes.js';
import { CairnError, hasCode, toCairnError } from '../../core/errors.js';
import { copyDirectory } from '../../disk/copy-directory.js';
import { makeOnce } from '../../disk/durable.js';
import { RootDirectory } from '../../disk/root-directory.js';
import type { EmptyVolume } from '../../image/aci/pod.js';
import { isDirectorySource, type PlacedVolume, volumeAround } from './placed-volumes.js';
import { makeTarget } from './targets.js';

export interface VolumesRequest {
  volumes: readonly PlacedVolume[];
  /** The tree's root. */
  tree: string;
  /** Whether an empty volume that nobody named begins with what the image has in its place. */
  isFromDocker: boolean;
  signal: AbortSignal | undefined;
}

/** Those of the pod that an earlier app has made stay as they are. */
export async function makeVolumes({ volumes, tree, isFromDocker, signal }: VolumesRequest): Promise<void> {
  for (const placed of volumes) {
    const { volume, source, implicit } = placed;
    if (volume.kind !== 'empty' || fs.existsSync(source)) continue;
    makeOnce(dirname(source));
    fs.mkdirSync(source, { mode: 0o700 });
    const isSeeded = implicit && isFromDocker && (await seed(placed, tree, signal));
    if (!isSeeded) giveMetadata(volume, placed);
  }
}

/** @returns whether there was something to begin with */
async function seed({ target, source }: PlacedVolume, tree: string, signal?: AbortSignal): Promise<boolean> {
  const { stat } = new RootDirectory(tree).find(target, { followLast: false });
  if (stat?.isDirectory() !== true) return false;
  try {
    await copyDirectory(`${fromText(tree)}${target}`, fromText(source), { signal });
  } catch (error) {
    throw toCairnError(error, `cannot fill the volume at ${toText(target)}`);
  }
  return true;
}

function giveMetadata({ mode, uid, gid }: EmptyVolume, { source, at }: PlacedVolume): void {
  const own = fs.lstatSync(source);
  try {
    if (own.uid !== uid || own.gid !== gid) fs.chownSync(source, ...hostIds(uid, gid));
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'EINVAL')) throw error;
    const why = `only root can give a volume to ${uid}:${gid}`;
    throw new CairnError('ERR_UNSUPPORTED', why, { entry: at.place, path: source, cause: error });
  }
  // A change of owner takes setuid and setgid away.
  fs.chmodSync(source, mode);
}

/** A user who is not root is root in the app. */
function hostIds(uid: number, gid: number): [number, number] {
  if (process.geteuid?.() === 0) return [uid, gid];
  return [uid === 0 ? -1 : uid, gid === 0 ? -1 : gid];
}

export interface TargetsRequest {
  volumes: readonly PlacedVolume[];
  /** The app's root, without its volumes; absent while nobody can make anything in it. */
  root: RootDirectory | undefined;
  notice: (message: string) => void;
}

/**
 * Makes the places where volumes appear: in the app's root, or in the volume around them.
 * @throws CairnError `ERR_BAD_MANIFEST` for a place that would have to be made on the host
 */
export function makeTargets({ volumes, root, notice }: TargetsRequest): void {
  for (const placed of volumes) {
    const { target, at, implicit } = placed;
    if (/^\/(?:dev|sys)(?:\/|$)/.test(target)) continue;
    const kind = isDirectorySource(placed) ? 'directory' : 'file';
    const around = volumeAround(volumes, target);
    const say = implicit ? (): void => undefined : notice;
    if (around === undefined) {
      if (root !== undefined) makeTarget({ root, path: target, kind, field: at, notice: say });
      continue;
    }
    if (!isDirectorySource(around))
      throw at.fault(`${toText(target)} lies in ${toText(around.target)}, which is a file`);
    const inside = new RootDirectory(around.source);
    const path = target.slice(around.target.length);
    if (around.volume.kind === 'empty') makeTarget({ root: inside, path, kind, field: at, notice: say });
    else mustBeThere(inside, path, kind, placed);
  }
}

function mustBeThere(
  root: RootDirectory,
  path: string,
  kind: 'directory' | 'file',
  { at, target }: PlacedVolume,
): void {
  const { stat, path: real } = root.find(path, { followLast: false });
  if (stat === undefined) throw at.fault(`${toText(target)} lies in a host volume, where nothing may be made`);
  if (real !== path || stat.isSymbolicLink()) throw at.fault(`${toText(target)} leads through a symlink of the host's`);
  if (stat.isDirectory() !== (kind === 'directory'))
    throw at.fault(`${toText(target)} is no ${kind} in the host volume`);
}
