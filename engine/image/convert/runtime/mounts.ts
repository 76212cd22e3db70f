/** Mounts of an OCI runtime bundle as volumes of a pod. */
import { quoted } from '../../../core/printable.js';
import type { Mount, Volume } from '../../aci/pod.js';
import { pathFault } from '../../aci/volume.js';
import type { JsonField } from '../../json-field.js';
import { VolumeNames } from '../volume-names.js';
import type { Untold } from './untold.js';

/** File systems that every app finds, and where. */
const STANDARD: ReadonlySet<string> = new Set([
  ...['proc /proc', 'sysfs /sys', 'tmpfs /dev', 'devpts /dev/pts', 'tmpfs /dev/shm', 'mqueue /dev/mqueue'],
  ...['cgroup /sys/fs/cgroup', 'cgroup2 /sys/fs/cgroup'],
]);

const FIELDS = ['destination', 'type', 'source', 'options'];

export interface ConvertedMounts {
  mounts: Mount[];
  volumes: Volume[];
}

/** @param dir the bundle: absolute */
export function mountsFrom(fields: readonly JsonField[], dir: string, untold: Untold): ConvertedMounts {
  const converted: ConvertedMounts = { mounts: [], volumes: [] };
  const names = new VolumeNames();
  for (const field of fields) {
    const destination = destinationOf(field);
    const options = field.exactField('options').texts();
    const type = field.exactField('type').text() || (isBind(options) ? 'bind' : 'none');
    if (STANDARD.has(`${type} ${destination}`)) continue;
    untold.rest(field, FIELDS);
    const name = names.next(destination);
    const volume = isBind(options) || type === 'bind' ? hostVolume(field, name, dir) : emptyVolume(type, name, options);
    if (volume === undefined) untold.tell(field, `a pod has no volumes of ${quoted(type)}`);
    else {
      tellOptions(field.exactField('options'), volume, untold);
      converted.volumes.push(volume);
      converted.mounts.push({ volume: name, path: destination });
    }
  }
  return converted;
}

function destinationOf(field: JsonField): string {
  const destination = field.exactField('destination');
  if (!destination.text().startsWith('/')) throw destination.fault('destination must be an absolute path');
  destination.refuse(pathFault(destination.text()));
  return destination.text();
}

function isBind(options: readonly string[]): boolean {
  return options.includes('bind') || options.includes('rbind');
}

function readOnlyIn(options: readonly string[]): boolean {
  return options.findLast((option) => option === 'ro' || option === 'rw') === 'ro';
}

function hostVolume(field: JsonField, name: string, dir: string): Volume {
  const source = field.exactField('source');
  const text = source.text();
  if (text === '') throw source.fault('source must be set');
  source.refuse(pathFault(text));
  const options = field.exactField('options').texts();
  return {
    kind: 'host',
    name,
    source: text.startsWith('/') ? text : `${dir.replace(/\/+$/, '')}/${text}`,
    readOnly: readOnlyIn(options),
    recursive: options.includes('rbind'),
  };
}

/** A directory that is empty at first, like a file system in memory. */
function emptyVolume(type: string, name: string, options: readonly string[]): Volume | undefined {
  if (type !== 'tmpfs') return undefined;
  const textOf = (key: string): string | undefined =>
    options.findLast((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
  const numberOf = (key: string, digits: RegExp, base: number, otherwise: number): number => {
    const text = textOf(key);
    return text !== undefined && digits.test(text) ? Number.parseInt(text, base) : otherwise;
  };
  return {
    kind: 'empty',
    name,
    readOnly: readOnlyIn(options),
    // What the kernel gives a file system in memory.
    mode: numberOf('mode', MODE, 8, 0o1777),
    uid: numberOf('uid', OWNER, 10, 0),
    gid: numberOf('gid', OWNER, 10, 0),
  };
}

const MODE = /^0*[0-7]{1,4}$/;
const OWNER = /^[0-9]{1,9}$/;

/** Options that the volume says, by its kind. */
const SAID: Readonly<Record<Volume['kind'], RegExp>> = {
  host: /^(?:ro|rw|bind|rbind)$/,
  empty: /^(?:ro|rw|mode=0*[0-7]{1,4}|[ug]id=[0-9]{1,9})$/,
};

function tellOptions(options: JsonField, { kind }: Volume, untold: Untold): void {
  const unsaid = options.texts().filter((option) => !SAID[kind].test(option));
  if (kind === 'empty') untold.tell(options, 'a directory on disk takes the place of the file system in memory');
  if (unsaid.length > 0) untold.tell(options, `a volume has no such options: ${unsaid.join(', ')}`);
}
