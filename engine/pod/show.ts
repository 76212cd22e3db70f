/** Everything about one pod: what an API service tells of it, and whether its files are what they were. */
import * as fs from 'node:fs';
import { podFilesFault, readPodManifest } from '../content/pod-files.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { placesOfRun, podRunIn } from '../disk/layout.js';
import type { Annotation } from '../image/aci/common-fields.js';
import type { PodManifest } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import type { JsonObject } from '../image/json.js';
import { titleOf } from '../index/images.js';
import type { PodRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { isoTime, type PodState, type PodSummary, PodsLook, stateOf } from './states.js';

export interface PodDetails extends Omit<PodSummary, 'apps'> {
  dir: string;
  apps: ShownApp[];
  annotations: Annotation[];
  /** Of the process that holds the pod's namespaces, else of its first app; -1 unless it runs. */
  pid: number;
  /** Of that process: the path in the hierarchy that says it, empty if none does. */
  cgroup: string;
  /** Networks that the pod is part of. Pods have none besides their own loopback, or the host's. */
  networks: string[];
  /** When a collection of pods found that it had ended. */
  gcMarkedAt?: string;
  /** The parsed manifest; null if it is damaged. */
  manifest: JsonObject | null;
}

export interface ShownApp {
  name: string;
  image: Key;
  /** The image's name; its key if it has none. */
  imageName: string;
  treeId: string;
  path: string;
  state: PodState;
  exitCode?: number;
  annotations: Annotation[];
}

export function describePod(store: StoreContext, pod: PodRecord): PodDetails {
  const { layout } = store;
  const summary = new PodsLook(store).summarize(pod);
  const manifest = manifestOf(store, pod);
  const damaged = summary.damaged ?? podFilesFault(layout, pod);
  const state = stateOf(store, pod, damaged);
  const pid = state === 'running' ? pidOf(store, pod) : -1;
  return {
    ...summary,
    state,
    dir: layout.pod(pod.id),
    apps: pod.apps.map((app) => showApp(store, pod, app, { state, manifest })),
    annotations: manifest?.annotations ?? [],
    pid,
    cgroup: pid < 0 ? '' : cgroupOf(pid),
    networks: [],
    manifest: manifest?.raw ?? null,
    ...defined({ gcMarkedAt: isoTime(pod.gcMarkedAt), damaged }),
  };
}

/** The exact bytes of a pod's manifest. @throws CairnError `ERR_DAMAGED` */
export function podManifestBytes({ layout }: StoreContext, pod: PodRecord): Buffer {
  return readPodManifest(layout, pod);
}

function showApp(
  { index, layout }: StoreContext,
  { exitCodes = {} }: PodRecord,
  { name, image, treeId }: PodRecord['apps'][number],
  { state, manifest }: { state: PodState; manifest: PodManifest | undefined },
): ShownApp {
  const known = index.image(image);
  const exitCode = Object.hasOwn(exitCodes, name) ? exitCodes[name] : undefined;
  return {
    name,
    image,
    imageName: known === undefined ? image : titleOf(known),
    treeId,
    path: layout.rootfs(treeId),
    state,
    annotations: manifest?.apps.find((app) => app.name === name)?.annotations ?? [],
    ...defined({ exitCode }),
  };
}

function manifestOf({ layout, limits }: StoreContext, pod: PodRecord): PodManifest | undefined {
  try {
    return parsePodManifest(readPodManifest(layout, pod), limits);
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

function pidOf({ layout }: StoreContext, { id }: PodRecord): number {
  const places = placesOfRun(podRunIn(layout.pod(id)));
  for (const label of ['pause', '0']) {
    const pid = Number(readIfThere(places.pid(label)) ?? '');
    if (pid > 0) return pid;
  }
  return -1;
}

/** Version 2 has one line, `0::PATH`. Of version 1 the hierarchy counts that service managers name processes in. */
function cgroupOf(pid: number): string {
  const lines = (readIfThere(`/proc/${pid}/cgroup`) ?? '').split('\n');
  const named = lines.find((line) => line.split(':')[1] === 'name=systemd') ?? lines.find((line) => /^0::/.test(line));
  return named?.split(':').slice(2).join(':') ?? '';
}

function readIfThere(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
