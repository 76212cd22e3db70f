/**
 * Volumes, mounts and ports as people type them: `NAME,key=value,…` (appc spec, schema/types: `VolumeFromString`,
 * `MountPointFromString`, `PortFromString`; rkt: `--mount`, `--mnt-volume`, `--port`). Values stand for themselves, so
 * that none can have a comma. Every fault is `ERR_USAGE`.
 */
import { CairnError, isCairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { JsonObject, JsonValue } from '../json.js';
import { JsonField } from '../json-field.js';
import { type MountPoint, type Port, readMountPoint, readPort } from './app.js';
import { acNameFault } from './names.js';
import type { ExposedPort, Mount, Volume } from './pod.js';
import { isAddress, readExposedPort, readMount } from './pod-parts.js';
import { readVolume } from './volume.js';

/** How the text of each key becomes a value of a document. */
type Grammar = Readonly<Record<string, (text: string) => JsonValue>>;

const VOLUME: Grammar = {
  ...{ name: asText, kind: asText, source: asText, readOnly: asFlag, recursive: asFlag },
  ...{ mode: asText, uid: asInteger, gid: asInteger },
};
const MOUNT_POINT: Grammar = { name: asText, path: asText, readOnly: asFlag };
const PORT: Grammar = {
  ...{ name: asText, protocol: asText, port: asPort, count: asPort, socketActivated: asFlag },
};
const MOUNT: Grammar = { volume: asText, target: asText };

/** `NAME,kind=host|empty[,source=,readOnly=,recursive=,mode=,uid=,gid=]` */
export function volumeFromString(text: string): Volume {
  return inString('volume', text, () => readVolume(fieldOf('volume', pairsIn(`name=${text}`), VOLUME)));
}

/** `NAME,path=PATH[,readOnly=]` */
export function mountPointFromString(text: string): MountPoint {
  return inString('mountpoint', text, () =>
    readMountPoint(fieldOf('mountpoint', pairsIn(`name=${text}`), MOUNT_POINT)),
  );
}

/** `NAME,protocol=tcp,port=8080[,count=,socketActivated=]` */
export function portFromString(text: string): Port {
  return inString('port', text, () => readPort(fieldOf('port', pairsIn(`name=${text}`), PORT)));
}

/** `volume=NAME,target=PATH` */
export function mountFromString(text: string): Mount {
  return inString('mount', text, () => {
    const { target = null, ...rest } = fieldOf('mount', pairsIn(text), MOUNT).object();
    return readMount(new JsonField('mount', { ...rest, path: target }));
  });
}

/** A volume and the path where it appears in one app: a {@link volumeFromString volume} and `target=PATH`. */
export function mountVolumeFromString(text: string): Mount {
  return inString('volume', text, () => {
    const pairs = pairsIn(text.startsWith('name=') ? text : `name=${text}`);
    const target = pairs.get('target');
    if (target === undefined) throw new CairnError('ERR_USAGE', 'missing target= parameter');
    pairs.delete('target');
    const appVolume = fieldOf('volume', pairs, VOLUME).object();
    return readMount(new JsonField('volume', { volume: appVolume['name'] ?? null, path: target, appVolume }));
  });
}

/** `NAME:[HOSTIP:]HOSTPORT`, an address of IPv6 in brackets. */
export function exposedPortFromString(text: string): ExposedPort {
  return inString('port', text, () => {
    const [, name = '', inBrackets, plain, port] = /^([^:]*):(?:\[([^\]]*)\]:|([^:]*):)?([^:]*)$/.exec(text) ?? [];
    if (port === undefined) throw new CairnError('ERR_USAGE', `not in NAME:[IP:]PORT format`);
    const fault = acNameFault(name);
    if (fault !== undefined) throw new CairnError('ERR_USAGE', `${quoted(name)} is not a valid port name: ${fault}`);
    const hostIP = inBrackets ?? plain;
    if (hostIP !== undefined && !isAddress(hostIP)) {
      throw new CairnError('ERR_USAGE', `${quoted(hostIP)} is not a valid IP`);
    }
    if (!/^[0-9]{1,5}$/.test(port)) throw new CairnError('ERR_USAGE', `${quoted(port)} is not a valid port number`);
    return readExposedPort(new JsonField('port', { name, hostPort: Number(port), hostIP: hostIP ?? null }));
  });
}

/** Puts the whole text before what is wrong with it. */
function inString<T>(what: string, text: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!isCairnError(cause, 'ERR_USAGE', 'ERR_BAD_MANIFEST')) throw cause;
    throw new CairnError('ERR_USAGE', `invalid ${what} ${quoted(text)}: ${cause.message}`, { cause });
  }
}

function pairsIn(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 0) throw new CairnError('ERR_USAGE', `malformed string - has a label without a value: ${part}`);
    const key = part.slice(0, equals);
    if (pairs.has(key)) throw new CairnError('ERR_USAGE', `label ${key} with multiple values`);
    pairs.set(key, part.slice(equals + 1));
  }
  return pairs;
}

function fieldOf(what: string, pairs: ReadonlyMap<string, string>, grammar: Grammar): JsonField {
  const object: JsonObject = {};
  for (const [key, text] of pairs) {
    const read = Object.hasOwn(grammar, key) ? grammar[key] : undefined;
    if (read === undefined) throw new CairnError('ERR_USAGE', `unknown ${what} parameter ${quoted(key)}`);
    object[key] = read(text);
  }
  return new JsonField(what, object);
}

function asText(text: string): string {
  return text;
}

/** The words that Go takes for a truth value. */
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word): [string, boolean] => [word, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word): [string, boolean] => [word, false]),
]);

/** @throws CairnError `ERR_USAGE` */
export function asFlag(text: string): boolean {
  const value = TRUTH.get(text);
  if (value === undefined) throw new CairnError('ERR_USAGE', `neither true nor false: ${quoted(text)}`);
  return value;
}

/** @throws CairnError `ERR_USAGE` */
export function asInteger(text: string): number {
  if (!/^[+-]?[0-9]{1,15}$/.test(text)) throw new CairnError('ERR_USAGE', `not a whole number: ${quoted(text)}`);
  return Number(text);
}

function asPort(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new CairnError('ERR_USAGE', `not a whole number: ${quoted(text)}`);
  if (Number(text) > 65_535) throw new CairnError('ERR_USAGE', `value out of range: ${quoted(text)}`);
  return Number(text);
}
