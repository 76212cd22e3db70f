/**
 * Runs a pod, and notes in the index that it runs, and how it ended.
 *
 * lock → what an earlier run left goes → bundles → index: started → apps → index: ended
 *
 * The lock says that the pod runs. This process holds it, and so do the runtime's, so that it is free once none of them
 * lives.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { placesOfRun, podRunIn, podStartedIn } from '../../disk/layout.js';
import { type FileLock, tryLock } from '../../disk/lock.js';
import type { PodManifest } from '../../image/aci/pod.js';
import { noteEvent } from '../../index/events.js';
import { putPod } from '../../index/pods.js';
import type { PodRecord } from '../../index/records.js';
import { mustWrite, type StoreContext, sayLeftBehind } from '../../session/context.js';
import { type Bundle, bundlePod } from '../bundle/index.js';
import { loadPod } from '../find-pod.js';
import { type PrepareRequest, preparePod } from '../prepare.js';
import type { PreparedPod } from '../prepared.js';
import { takeAway } from '../remove.js';
import { withCommand } from './command.js';
import { clearRun, writeNote } from './left-runs.js';
import type { PodEnd, RunOptions } from './options.js';
import { mustHaveNamespaces } from './rootless.js';
import { containersOf, makePlaces, PodRun } from './run-apps.js';
import { findRuntime, type OciRuntime, WITHOUT_CGROUPS } from './runtime.js';

/**
 * Runs a prepared pod, once.
 * @throws CairnError `ERR_HELD` while it runs, `ERR_USAGE` when it was run before, `ERR_DAMAGED`, `ERR_RUNTIME`, …
 */
export async function runPod(store: StoreContext, { id }: PodRecord, options: RunOptions): Promise<PodEnd> {
  mustWrite(store);
  const runtime = runtimeFor(options);
  const lock = lockPod(store, id);
  try {
    store.index.refresh();
    const pod = store.index.pods.get(id);
    if (pod === undefined) throw new CairnError('ERR_NOT_FOUND', `pod ${id} was removed meanwhile`, { entry: id });
    if (pod.startedAt !== undefined)
      throw new CairnError('ERR_USAGE', `pod ${id} was run before, and a pod is run once: prepare another one`);
    await clearRun(store, id);
    const prepared = withCommand(await loadPod(store, pod, options), options);
    return await runPrepared(store, prepared, { lock, runtime, options });
  } finally {
    lock.release();
  }
}

/** Prepares a pod and runs it. It goes when it has ended, however it ends. */
export async function runTransient(
  store: StoreContext,
  manifest: PodManifest | Uint8Array,
  options: RunOptions,
  preparing: PrepareRequest,
): Promise<PodEnd> {
  mustWrite(store);
  const runtime = runtimeFor(options);
  const id = randomUUID();
  const lock = lockPod(store, id);
  try {
    const prepared = await preparePod(store, manifest, { ...preparing, id, transient: true });
    try {
      return await runPrepared(store, withCommand(prepared, options), { lock, runtime, options });
    } finally {
      await tidying(store, takeAway(store, [id]));
    }
  } finally {
    lock.release();
  }
}

/** Looked for first: without one nothing need be fetched, rendered or noted. */
function runtimeFor(options: RunOptions): OciRuntime {
  mustHaveNamespaces();
  return findRuntime(options.runtime);
}

function lockPod({ layout }: StoreContext, id: string): FileLock {
  const lock = tryLock(layout.podLock(id), true);
  if (lock === undefined) throw new CairnError('ERR_HELD', `pod ${id} runs`, { entry: id });
  return lock;
}

interface Running {
  lock: FileLock;
  runtime: OciRuntime;
  options: RunOptions;
}

async function runPrepared(
  store: StoreContext,
  pod: PreparedPod,
  { lock, runtime, options }: Running,
): Promise<PodEnd> {
  const { signal, onProgress, onStart, net, tty, interactive } = options;
  const run = podRunIn(pod.dir);
  const places = placesOfRun(run);
  const isTransient = store.index.pods.get(pod.id)?.transient === true;
  try {
    if ((tty === true || interactive === true) && pod.apps.length > 1)
      throw new CairnError('ERR_USAGE', `pod ${pod.id} has ${pod.apps.length} apps: standard input is for one`);
    makePlaces(run, places);
    const bundles = await bundlePod(
      store,
      pod,
      places.bundles,
      defined({ signal, onProgress, network: net, terminal: tty, volatile: true }),
    );
    tellOfCgroups(store, runtime, bundles);
    writeNote(places.note, runtime, containersOf(pod));
    fs.writeFileSync(podStartedIn(pod.dir), '', { mode: 0o600 });
    await change(store, pod.id, (row) => (row.startedAt === undefined ? { ...row, startedAt: Date.now() } : row));
    onStart?.(pod.id);
    return await runNoted(store, pod.id, () =>
      new PodRun(pod, { runtime, places, lock: lock.fd }, options).run(bundles),
    );
  } finally {
    // Of a pod that goes, everything goes at one time.
    if (!isTransient) await tidying(store, clearRun(store, pod.id));
  }
}

/** Notes that a pod has ended, and how, if its apps could be run. A pod that goes needs no such note. */
async function runNoted(store: StoreContext, id: string, run: () => Promise<PodEnd>): Promise<PodEnd> {
  let end: PodEnd | undefined;
  try {
    end = await run();
    return end;
  } finally {
    const codes = end?.apps.map(({ name, exitCode }): [string, number] => [name, exitCode]);
    const exitCodes = codes === undefined ? {} : { exitCodes: Object.fromEntries(codes) };
    await change(store, id, (row) => (row.transient === true ? row : { ...row, exitedAt: Date.now(), ...exitCodes }));
  }
}

/** What cannot be taken away is told, and changes nothing of how the apps ended. A gc of pods tries again. */
async function tidying({ notice }: StoreContext, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => sayLeftBehind({ notice }, error));
}

/** A runtime that goes without cgroups says nothing of the limits that it cannot keep. */
function tellOfCgroups({ notice }: StoreContext, { options }: OciRuntime, bundles: readonly Bundle[]): void {
  if (!options.includes(WITHOUT_CGROUPS)) return;
  for (const { app, isolators } of bundles) {
    const unkept = isolators.enforced.filter((name) => NEEDS_CGROUPS.includes(name));
    if (unkept.length > 0)
      notice(`app ${app}: no cgroups can be used here, so that nothing keeps ${unkept.join(', ')}`);
  }
}

const NEEDS_CGROUPS = ['resource/cpu', 'resource/memory', 'os/linux/cpu-shares'];

/** Changes a pod's row, unless the change makes none, or the pod was removed by force. */
async function change({ index }: StoreContext, id: string, revise: (pod: PodRecord) => PodRecord): Promise<void> {
  const known = index.pods.get(id);
  if (known === undefined || revise(known) === known) return;
  await index.commit(() => {
    const pod = index.pods.get(id);
    if (pod === undefined) return;
    const revised = revise(pod);
    putPod(index, revised);
    if (pod.startedAt !== revised.startedAt) noteEvent(index, { event: 'started', pod: id });
    if (pod.exitedAt !== revised.exitedAt) noteEvent(index, { event: 'exited', pod: id });
  });
}
