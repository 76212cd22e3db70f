/** The options by which people describe a pod and its apps: rkt's names of them, and what each does. Pure. */
import { CairnError } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import {
  capabilitiesIsolator,
  cpuIsolator,
  cpuSharesIsolator,
  isolatorFromString,
  memoryIsolator,
  oomScoreIsolator,
  seccompIsolator,
  withIsolators,
} from '../image/aci/isolator-strings.js';
import type { Isolator } from '../image/aci/isolators.js';
import {
  asFlag,
  asInteger,
  exposedPortFromString,
  mountFromString,
  mountPointFromString,
  mountVolumeFromString,
  portFromString,
  volumeFromString,
} from '../image/aci/pod-strings.js';
import type { AppRequest, PodRequest } from './request.js';

type Mutable<V> = V extends readonly (infer I)[] ? I[] : V extends object ? { -readonly [K in keyof V]: V[K] } : V;
type Draft<T> = { -readonly [K in keyof T]: Mutable<T[K]> };

export type AppDraft = Draft<Omit<AppRequest, 'app'>>;
export type PodDraft = Draft<Omit<PodRequest, 'apps'>> & { apps: AppDraft[] };
/** What apps and pods have in common. */
export type EitherDraft = Pick<AppDraft, 'mounts' | 'isolators' | 'annotations' | 'userAnnotations' | 'userLabels'>;

/** @param option such as `--exec`, for errors */
export type Setter<T> = (target: T, value: string, option: string) => void;

/** They belong to the image before them. */
export const OF_APP = {
  name: setText('name'),
  exec: setExec,
  user: setText('user'),
  group: setText('group'),
  'supplementary-gids': setGids,
  'working-dir': setText('workingDirectory'),
  'readonly-rootfs': setReadOnly,
  environment: setPair('environment'),
  'mnt-volume': addMountVolume,
  'mount-point': addMountPoint,
  memory: addIsolator(memoryIsolator),
  cpu: addIsolator(cpuIsolator),
  'cpu-shares': addIsolator(cpuSharesIsolator),
  'oom-score-adj': addIsolator(oomScoreIsolator),
  'caps-retain': addCapabilities('retain'),
  'caps-remove': addCapabilities('remove'),
  seccomp: addIsolator(seccompIsolator),
} satisfies Record<string, Setter<AppDraft>>;

/** They belong to the image before them, and before the first image to the pod. */
export const OF_EITHER = {
  mount: addMount,
  isolator: addAnyIsolator,
  annotation: setPair('annotations'),
  'user-annotation': setPair('userAnnotations'),
  'user-label': setPair('userLabels'),
} satisfies Record<string, Setter<EitherDraft>>;

/** They belong to the pod, wherever they stand. */
export const OF_POD = {
  volume: addVolume,
  port: addPort,
  'set-env': setPair('environment'),
} satisfies Record<string, Setter<PodDraft>>;

/** Options whose value may be left out, and what they mean then. */
export const BARE: Readonly<Record<string, string>> = { 'readonly-rootfs': 'true' };

export type AppOption = keyof typeof OF_APP | keyof typeof OF_EITHER | keyof typeof OF_POD;

/** A list of options grows in place: command lines can have a hundred thousand. */
function appended<I>(list: I[] | undefined, item: I): I[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}

function addMount(target: EitherDraft, text: string): void {
  target.mounts = appended(target.mounts, mountFromString(text));
}

function addMountVolume(app: AppDraft, text: string): void {
  app.mounts = appended(app.mounts, mountVolumeFromString(text));
}

function addMountPoint(app: AppDraft, text: string): void {
  app.mountPoints = appended(app.mountPoints, mountPointFromString(text));
}

function addVolume(pod: PodDraft, text: string): void {
  pod.volumes = appended(pod.volumes, volumeFromString(text));
}

function setText(key: 'name' | 'user' | 'group' | 'workingDirectory'): Setter<AppDraft> {
  return (app, text, option) => {
    if (text === '') throw new CairnError('ERR_USAGE', `${option} must not be empty`);
    app[key] = text;
  };
}

function setExec(app: AppDraft, text: string, option: string): void {
  if (text === '') throw new CairnError('ERR_USAGE', `${option} must not be empty`);
  if (app.exec !== undefined) {
    throw new CairnError('ERR_USAGE', `${option} specified multiple times for the same image`);
  }
  app.exec = [text];
}

function setGids(app: AppDraft, text: string, option: string): void {
  for (const each of text.split(',')) {
    if (!/^[0-9]+$/.test(each)) throw new CairnError('ERR_USAGE', `${option} must be integers: ${quoted(text)}`);
    app.supplementaryGIDs = appended(app.supplementaryGIDs, asInteger(each));
  }
}

function setReadOnly(app: AppDraft, text: string): void {
  app.readOnlyRootFS = asFlag(text);
}

/** `NAME=VALUE`. Of several values of one name the last counts. */
function setPair<K extends string>(key: K): Setter<{ [key in K]?: Record<string, string> }> {
  return (target, text, option) => {
    const equals = text.indexOf('=');
    const name = text.slice(0, Math.max(0, equals));
    // No document may have that key.
    if (equals < 0 || name === '__proto__') {
      throw new CairnError('ERR_USAGE', `invalid format of ${option} flag ${quoted(text)}`);
    }
    const texts = target[key] ?? {};
    texts[name] = text.slice(equals + 1);
    target[key] = texts;
  };
}

function addIsolator(read: (text: string) => Isolator): Setter<{ isolators?: Isolator[] }> {
  return (target, text) => {
    target.isolators = withIsolators(target.isolators ?? [], [read(text)]);
  };
}

/** Of a kind that has an opposite, such as capabilities to retain, both may be given so. */
function addAnyIsolator(target: EitherDraft, text: string): void {
  const isolator = isolatorFromString(text);
  target.isolators = [...(target.isolators ?? []).filter(({ name }) => name !== isolator.name), isolator];
}

function addCapabilities(kind: 'retain' | 'remove'): Setter<AppDraft> {
  return (app, text) => {
    const isolator = capabilitiesIsolator(kind, text);
    const kept = withIsolators(app.isolators ?? [], [isolator]);
    const hasOther = app.isolators?.some(
      ({ name }) => name !== isolator.name && !kept.some((each) => each.name === name),
    );
    if (hasOther === true) {
      throw new CairnError('ERR_USAGE', 'cannot use both --caps-retain and --caps-remove on the same image');
    }
    app.isolators = kept;
  };
}

/** A port of the host (`NAME:8080`) is the pod's, one that an app listens at (`NAME,port=80`) the last image's. */
function addPort(pod: PodDraft, text: string, option: string): void {
  const app = pod.apps.at(-1);
  if (!/^[^:]*,/.test(text)) pod.ports = appended(pod.ports, exposedPortFromString(text));
  else if (app === undefined) throw new CairnError('ERR_USAGE', `${option} NAME,port=… must follow an image`);
  else app.ports = appended(app.ports, portFromString(text));
}
