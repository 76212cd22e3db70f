/** Reads the `app` of an image manifest (appc spec, image manifest, `app`). */
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';
import { type Isolator, readIsolators } from './isolators.js';

/** What an image runs and how (appc spec, image manifest, `app`). Absent lists and maps are empty. */
export interface App {
  /** Empty for an image that runs only with a command of the caller's. */
  exec: string[];
  /** A name, a number, or an absolute path in the image, which means the path's owner. */
  user: string;
  group: string;
  supplementaryGIDs: number[];
  /** An absolute path. */
  workingDirectory?: string;
  eventHandlers: EventHandler[];
  environment: EnvironmentVariable[];
  mountPoints: MountPoint[];
  ports: Port[];
  isolators: Isolator[];
  userAnnotations: Record<string, string>;
  userLabels: Record<string, string>;
}

export interface EventHandler {
  name: 'pre-start' | 'post-stop';
  exec: string[];
}

export interface EnvironmentVariable {
  name: string;
  value: string;
}

export interface MountPoint {
  name: string;
  path: string;
  readOnly: boolean;
}

export interface Port {
  name: string;
  /** Any word; empty if the manifest gives none. */
  protocol: string;
  port: number;
  /** The number of ports from `port` upwards; at least 1. */
  count: number;
  socketActivated: boolean;
}

const HIGHEST_GID = 2 ** 32 - 1;

/**
 * Reads the `app` of an image manifest.
 *
 * @throws CairnError `ERR_BAD_MANIFEST`, its `entry` ending in the path to the fault such as `app.ports[0].port`
 */
export function readApp(app: JsonField): App {
  const workingDirectory = app.field('workingDirectory').text();
  if (workingDirectory !== '' && !workingDirectory.startsWith('/')) {
    throw app.field('workingDirectory').fault('workingDirectory must be an absolute path');
  }
  return {
    exec: app.field('exec').texts(),
    user: readRequired(app.field('user'), 'user is required'),
    group: readRequired(app.field('group'), 'group is required'),
    supplementaryGIDs: app.field('supplementaryGIDs').items().map(readGid),
    ...(workingDirectory === '' ? {} : { workingDirectory }),
    eventHandlers: readEventHandlers(app.field('eventHandlers')),
    environment: readEnvironment(app.field('environment')),
    mountPoints: app.field('mountPoints').items().map(readMountPoint),
    ports: app.field('ports').items().map(readPort),
    isolators: readIsolators(app.field('isolators')),
    userAnnotations: app.field('userAnnotations').textMap(),
    userLabels: app.field('userLabels').textMap(),
  };
}

function readRequired(field: JsonField, rule: string): string {
  const text = field.text();
  if (text === '') throw field.fault(rule);
  return text;
}

function readGid(gid: JsonField): number {
  if (gid.absent) throw gid.fault('must be a whole number');
  return gid.integer(0, HIGHEST_GID);
}

function isEvent(name: string): name is EventHandler['name'] {
  return name === 'pre-start' || name === 'post-stop';
}

function readEventHandlers(list: JsonField): EventHandler[] {
  const seen = new Set<string>();
  return list.items().map((handler) => {
    const field = handler.field('name');
    const name = readRequired(field, 'eventHandler "name" cannot be empty');
    if (!isEvent(name)) throw field.fault(`bad eventHandler "name": ${quoted(name)} (pre-start or post-stop)`);
    if (seen.has(name)) throw field.fault(`only one eventHandler of name ${quoted(name)} allowed`);
    seen.add(name);
    return { name, exec: handler.field('exec').texts() };
  });
}

function readEnvironment(list: JsonField): EnvironmentVariable[] {
  const seen = new Set<string>();
  return list.items().map((variable) => {
    const field = variable.field('name');
    const name = readRequired(field, 'environment variable name must not be empty');
    if (!/^[A-Za-z_][A-Za-z_0-9.-]*$/.test(name)) {
      throw field.fault(`environment variable does not have valid identifier ${quoted(name)}`);
    }
    if (seen.has(name)) throw field.fault(`duplicate environment variable of name ${quoted(name)}`);
    seen.add(name);
    return { name, value: variable.field('value').text() };
  });
}

export function readMountPoint(mount: JsonField): MountPoint {
  return {
    name: mount.field('name').acName(),
    path: readRequired(mount.field('path'), 'path must be set'),
    readOnly: mount.field('readOnly').flag(),
  };
}

export function readPort(entry: JsonField): Port {
  const port = entry.field('port').integer(1, 65_535, 'port must be in 1-65535 range');
  const rule = 'end of port range must be in 1-65535 range';
  const count = entry.field('count').integer(0, 65_536 - port, rule);
  return {
    name: entry.field('name').acName(),
    protocol: entry.field('protocol').text(),
    port,
    count: count === 0 ? 1 : count,
    socketActivated: entry.field('socketActivated').flag(),
  };
}
