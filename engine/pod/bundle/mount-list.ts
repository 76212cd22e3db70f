/** What a runtime mounts in an app besides the standard file systems. */
import { toText } from '../../core/bytes.js';
import { mountAround } from '../../disk/mounts.js';
import { splitDeviceNumber } from '../../disk/native.js';
import type { DeviceRule, RuntimeMount } from '../../image/runtime/config.js';
import type { EtcFile } from './etc-files.js';
import { isDirectorySource, type PlacedVolume } from './placed-volumes.js';

export interface MountListRequest {
  volumes: readonly PlacedVolume[];
  etc: readonly EtcFile[];
  /** Whether the app's root is read-only. */
  readOnly: boolean;
  isRootless: boolean;
}

export function mountsOf({ volumes, etc, readOnly, isRootless }: MountListRequest): RuntimeMount[] {
  const files = etc.map(({ target, source }) => {
    const options = ['bind', 'nosuid', 'nodev', 'noexec', readOnly ? 'ro' : 'rw'];
    return { destination: toText(target), type: 'bind', source, options };
  });
  return [...files, ...volumes.map((each) => mountOf(each, isRootless))];
}

function mountOf(placed: PlacedVolume, isRootless: boolean): RuntimeMount {
  const { volume, target, source, readOnly } = placed;
  const isRecursive = volume.kind === 'host' && volume.recursive !== false && isDirectorySource(placed);
  // With `ro` alone, what is mounted below the source could be written to.
  const access = readOnly ? (isRecursive ? ['ro', 'rro'] : ['ro']) : ['rw'];
  // For crun 1.8, `rprivate` makes any mount recursive.
  const how = isRecursive ? ['rbind', 'rprivate'] : ['bind', 'private'];
  const options = [...how, ...access, ...(isRootless ? lockedOptions(source) : [])];
  return { destination: toText(target), type: 'bind', source, options };
}

const LOCKED = ['nosuid', 'nodev', 'noexec'];

/** What a user who is not root cannot take away from a mount: a mount without it is refused. */
function lockedOptions(source: string): string[] {
  const options = mountAround(source)?.options ?? [];
  return LOCKED.filter((each) => options.includes(each));
}

/** An app may use the devices that its volumes are. */
export function devicesOf(volumes: readonly PlacedVolume[]): DeviceRule[] {
  return volumes.flatMap(({ stat, readOnly }) => {
    if (stat === undefined || !(stat.isCharacterDevice() || stat.isBlockDevice())) return [];
    const { major, minor } = splitDeviceNumber(BigInt(stat.rdev));
    const type = stat.isBlockDevice() ? 'b' : 'c';
    return [{ allow: true, type, major, minor, access: readOnly ? 'r' : 'rw' } satisfies DeviceRule];
  });
}
