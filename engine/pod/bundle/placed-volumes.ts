/** Where the volumes of an app lie, in the app and on the host. */
import type * as fs from 'node:fs';
import { join } from 'node:path';
import { type ByteString, fromText, isUtf8 } from '../../core/bytes.js';
import { MAX_POD_LIST } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { ownVolumesIn, podVolumesIn } from '../../disk/layout.js';
import type { Inside, RootDirectory } from '../../disk/root-directory.js';
import type { JsonField } from '../../image/json-field.js';
import type { FieldAt } from '../../image/runtime/app-field.js';
import type { VolumeMount } from '../../image/runtime/mounts.js';
import { directoryName } from './file-name.js';
import { statOfSource } from './host-volume.js';

export interface PlacedVolume extends VolumeMount {
  /** Where it appears in the app: `path` without the symlinks of the tree. */
  target: ByteString;
  /** Absolute, on the host. Of an empty volume, this is yet to be made. */
  source: string;
  /** Of a host volume's source. */
  stat?: fs.Stats;
  at: JsonField;
}

export interface PlacingRequest {
  tree: RootDirectory;
  /** The directory of the pod's bundles, and of this app's own. */
  podDir: string;
  dir: string;
  storeDir: string;
  at: FieldAt;
}

/**
 * Outer volumes come before those that appear in them.
 * @throws CairnError `ERR_BAD_MANIFEST` for volumes at places where none can be, and for two at one place;
 *   `ERR_NOT_FOUND` for a source that is not there
 */
export function placeVolumes(mounts: readonly VolumeMount[], request: PlacingRequest): PlacedVolume[] {
  if (mounts.length > MAX_POD_LIST) throw request.at('app.mountPoints').fault(`more than ${MAX_POD_LIST} volumes`);
  const byTarget = new Map<ByteString, PlacedVolume>();
  for (const mount of mounts) {
    const at = request.at(mount.field);
    const target = targetOf(request.tree.find(fromText(mount.path)), mount, at);
    const there = byTarget.get(target);
    if (there !== undefined && (mount.implicit || isSame(there, mount))) continue;
    if (there !== undefined && !there.implicit) {
      const why = `${quoted(mount.path)} has two volumes: ${there.volume.name} and ${mount.volume.name}`;
      throw at.fault(why);
    }
    byTarget.set(target, { ...mount, target, at, ...sourceOf(mount, request, at) });
  }
  return [...byTarget.values()].sort((one, other) => depth(one.target) - depth(other.target));
}

const depth = (path: ByteString): number => path.split('/').length;

function isSame(one: VolumeMount, other: VolumeMount): boolean {
  return one.volume.name === other.volume.name && one.owner === other.owner;
}

function targetOf({ path, stat, lacks }: Inside, mount: VolumeMount, at: JsonField): ByteString {
  if (!mount.path.startsWith('/') || mount.path.includes('\0')) {
    throw at.fault(`a volume needs an absolute path: ${quoted(mount.path)}`);
  }
  if (lacks === 'loop') throw at.fault(`${quoted(mount.path)} leads into a loop of symlinks`);
  if (lacks === 'file') throw at.fault(`${quoted(mount.path)} leads through a file`);
  if (path === '/' || path === '/proc' || path.startsWith('/proc/')) {
    throw at.fault(`${quoted(mount.path)} leads to ${path}, where no volume can be`);
  }
  // The configuration is text.
  if (!isUtf8(path)) throw at.fault(`${quoted(mount.path)} leads to a name that is no UTF-8`, 'ERR_UNSUPPORTED');
  if (stat !== undefined && !stat.isDirectory() && !stat.isFile()) {
    throw at.fault(`${quoted(mount.path)} is neither a directory nor a file in the image`);
  }
  return path;
}

function sourceOf(
  { volume, owner }: VolumeMount,
  { podDir, dir, storeDir }: PlacingRequest,
  at: JsonField,
): Pick<PlacedVolume, 'source' | 'stat'> {
  if (volume.kind === 'empty') {
    return { source: join(owner === 'pod' ? podVolumesIn(podDir) : ownVolumesIn(dir), directoryName(volume.name)) };
  }
  return { source: volume.source, stat: statOfSource(volume.source, storeDir, at) };
}

/** What volumes hide of an app's root, for looking into the root as the app will see it. */
export function coveredBy(volumes: readonly PlacedVolume[]): Map<ByteString, string> {
  return new Map(volumes.map(({ target, source }) => [target, source]));
}

/** The innermost volume that a path lies in, if any; the volume at the path itself is none. */
export function volumeAround(volumes: readonly PlacedVolume[], path: ByteString): PlacedVolume | undefined {
  return volumes.findLast(({ target }) => path.startsWith(`${target}/`));
}

export const isDirectorySource = ({ stat }: PlacedVolume): boolean => stat?.isDirectory() ?? true;
