/** What a runtime mounts in an app besides the standard file systems. */
import { toText } from '../../core/bytes.js';
import { splitDeviceNumber } from '../../disk/native.js';
import type { DeviceRule, RuntimeMount } from '../../image/runtime/config.js';
import type { EtcFile } from './etc-files.js';
import { isDirectorySource, type PlacedVolume } from './placed-volumes.js';

export function mountsOf(volumes: readonly PlacedVolume[], etc: readonly EtcFile[], readOnly: boolean): RuntimeMount[] {
  const files = etc.map(({ target, source }) => {
    const options = ['bind', 'nosuid', 'nodev', 'noexec', readOnly ? 'ro' : 'rw'];
    return { destination: toText(target), type: 'bind', source, options };
  });
  return [...files, ...volumes.map(mountOf)];
}

function mountOf(placed: PlacedVolume): RuntimeMount {
  const { volume, target, source, readOnly } = placed;
  const isRecursive = volume.kind === 'host' && volume.recursive !== false && isDirectorySource(placed);
  // With `ro` alone, what is mounted below the source could be written to.
  const access = readOnly ? (isRecursive ? ['ro', 'rro'] : ['ro']) : ['rw'];
  // For crun 1.8, `rprivate` makes any mount recursive.
  const how = isRecursive ? ['rbind', 'rprivate'] : ['bind', 'private'];
  const options = [...how, ...access];
  return { destination: toText(target), type: 'bind', source, options };
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
