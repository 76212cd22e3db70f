/** Which volume appears where in an app (appc spec, pod manifest, `mounts` and `volumes`). */
import { quoted } from '../../core/printable.js';
import type { App } from '../aci/app.js';
import type { RuntimeApp, Volume } from '../aci/pod.js';
import type { FieldAt } from './app-field.js';

/** A volume in an app. */
export interface VolumeMount {
  volume: Volume;
  /** Whose the volume is: an empty one of the pod is the same directory for all of its apps. */
  owner: 'pod' | 'app';
  /** Absolute, in the app. */
  path: string;
  readOnly: boolean;
  /** Nobody named a volume for the image's mount point, so that it gets an empty one. */
  implicit: boolean;
  /** Where the mount comes from, such as `app.mountPoints[0]`. */
  field: string;
}

const DEFAULT_MODE = 0o755;

/**
 * The volumes of an app, as rkt finds them: first the mounts that the pod gives it, then each of its mount points at
 * whose path there is none yet, with the pod's volume of that name, else with an empty one. What a volume says of
 * `readOnly` comes before what the mount point says.
 *
 * @param own the app that runs: the pod's, else the image's
 * @throws CairnError `ERR_BAD_MANIFEST` for a volume that is not there
 */
export function volumeMountsOf(
  runtime: Pick<RuntimeApp, 'mounts'>,
  own: Pick<App, 'mountPoints'>,
  podVolumes: readonly Volume[],
  at: FieldAt,
): VolumeMount[] {
  const volumes = new Map(podVolumes.map((volume) => [volume.name, volume]));
  const given = runtime.mounts.map((mount, i): VolumeMount => {
    const field = `mounts[${i}]`;
    const volume = mount.appVolume ?? volumes.get(mount.volume);
    if (volume === undefined) {
      throw at(`${field}.volume`).fault(`could not find volume ${quoted(mount.volume)}`);
    }
    const point = own.mountPoints.find(({ name }) => name === mount.volume);
    const readOnly = volume.readOnly ?? point?.readOnly ?? false;
    const owner = mount.appVolume === undefined ? 'pod' : 'app';
    return { volume, owner, path: mount.path, readOnly, implicit: false, field };
  });
  const taken = new Set(given.map(({ path }) => path));
  const points = own.mountPoints.flatMap(({ name, path, readOnly }, i): VolumeMount[] => {
    if (taken.has(path)) return [];
    const volume = volumes.get(name);
    const place = { path, field: `app.mountPoints[${i}]` };
    if (volume !== undefined) {
      return [{ ...place, volume, owner: 'pod', readOnly: volume.readOnly ?? readOnly, implicit: false }];
    }
    const empty: Volume = { kind: 'empty', name, mode: DEFAULT_MODE, uid: 0, gid: 0 };
    return [{ ...place, volume: empty, owner: 'app', readOnly, implicit: true }];
  });
  return [...given, ...points];
}
