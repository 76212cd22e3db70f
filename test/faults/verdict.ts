/**
 * Judges a store after a command was killed or failed. The store opens without repair, its index and disk agree,
 * everything hashes to its name, nothing that was there is gone, nothing half-made is listed, acknowledged results are
 * there, and the next gc leaves no stray byte.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { Layout } from '../../engine/disk/layout.js';
import { contextOf } from '../../engine/facade/opened.js';
import type { PodSummary } from '../../engine/pod/states.js';
import { rebuildIndex } from '../../engine/recover/rebuild-index.js';
import { openStore, type Store } from '../../engine/store.js';
import { BLOBS, MORE, PODS } from './ground.js';
import { inspectPacks } from './inspect-packs.js';
import { inPacks } from './layouts.js';
import { BACKUP, type Operation } from './operations.js';
import type { Place } from './place.js';

const DAY_MS = 24 * 3_600_000;
/** The mark of an unfinished backup is deleted last; a complete backup may still have it. */
const UNFINISHED = basename(new Layout('').unfinished);

/** A line for each image, pin, tree, lease, blob and pod of a store, and for each output of a command. */
export type State = ReadonlySet<string>;

/** The states before and after an undisturbed command. */
export interface Expected {
  before: State;
  after: State;
}

/** What a command has said. */
export interface Said {
  /** It reported success. */
  done: boolean;
  /** It failed, and reported these images all the same. */
  told: readonly string[];
}

/** A lease goes with its tree, and with nothing else. */
function goesWithTree(line: string, now: State): boolean {
  const [kind, tree] = line.split(' ');
  return kind === 'lease' && ![...now].some((there) => there.startsWith(`tree ${tree}`));
}

/** @returns findings */
export async function judge(
  place: Place,
  operation: Operation,
  { before, after }: Expected,
  { done: acknowledged, told }: Said,
): Promise<string[]> {
  const wrong: string[] = [];
  try {
    const now = await stateOf(place);
    for (const line of acknowledged ? after : before) {
      const stays = acknowledged || after.has(line);
      const takes = acknowledged ? operation.drops : (operation.fragile ?? operation.drops);
      const fragile = takes !== undefined && (line.startsWith(takes) || goesWithTree(line, now));
      if (stays && !fragile && !now.has(line))
        wrong.push(`${acknowledged ? 'acknowledged, but' : 'was there, and is'} gone: ${line}`);
    }
    for (const key of told) if (!now.has(`image ${key}`)) wrong.push(`told, but gone: image ${key}`);
    for (const line of now) {
      if (after.has(line) || (before.has(line) && !acknowledged)) continue;
      wrong.push(`neither from before nor from after: ${line}`);
    }
    if (fs.existsSync(place.store)) {
      if (inPacks()) wrong.push(...(await losesIndex(place)));
      for (const dest of halfMade(place.out)) await backUpAgain(place.store, dest);
      if (operation.recount === true) await recount(place.store);
      wrong.push(...(await inspectStore(place.store)));
    }
  } catch (error) {
    wrong.push(`the store cannot be used: ${(error as Error).stack}`);
  }
  return wrong;
}

export async function stateOf({ store: dir, out }: Place): Promise<State> {
  const state = new Set(outputs(out));
  if (!fs.existsSync(dir)) return state;
  await using store = await openStore({ dir, workers: 1 });
  for await (const { key, pinned } of store.images()) {
    state.add(`image ${key}`);
    if (pinned) state.add(`pin ${key}`);
  }
  for await (const { id, hash } of store.trees()) state.add(`tree ${id} ${hash}`);
  for (const { tree, holder } of await store.leases()) state.add(`lease ${tree} ${holder}`);
  for await (const pod of store.pods()) state.add(podLine(pod));
  for (const text of Object.values(BLOBS)) if (await holds(store, text)) state.add(`blob ${text}`);
  return state;
}

/** A new pod has another id each time. How one ended is lost with the index. */
function podLine({ pod, state, apps }: PodSummary): string {
  const isOfSeed = (PODS as readonly string[]).includes(pod);
  const of = apps.map(({ name, image }) => `${name} ${image}`).join();
  return `pod ${isOfSeed ? pod : 'new'} ${isOfSeed ? '' : state} ${of}`;
}

async function holds(store: Store, text: string): Promise<boolean> {
  const target = join(store.dir, '..', 'got.blob');
  try {
    await store.get(`sha512-${createHash('sha512').update(text).digest('hex')}`, target, { force: true });
    return fs.readFileSync(target, 'utf8') === text;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_NOT_FOUND') return false;
    throw error;
  } finally {
    fs.rmSync(target, { force: true });
  }
}

/** A line for each complete output of a command. Names with a leading dot are of incomplete ones. */
function outputs(out: string): string[] {
  if (!fs.existsSync(out)) return [];
  return fs
    .readdirSync(out)
    .filter((name) => !name.startsWith('.') && !isHalfMade(join(out, name)))
    .map((name) => `output ${name} ${contentOf(join(out, name))}`);
}

/** Whether a path is a backup that is marked as unfinished, or only an empty directory so far. */
function isHalfMade(path: string): boolean {
  const { unfinished, format } = new Layout(path);
  if (basename(path) === BACKUP && fs.readdirSync(path).length === 0) return true;
  return fs.existsSync(unfinished) && !fs.existsSync(format);
}

function halfMade(out: string): string[] {
  if (!fs.existsSync(out)) return [];
  return fs
    .readdirSync(out)
    .map((name) => join(out, name))
    .filter(isHalfMade);
}

/** A backup to the same destination goes on with the unfinished one. */
async function backUpAgain(dir: string, dest: string): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  await store.backup(dest);
  await using backup = await openStore({ dir: dest, workers: 1 });
  const { ok } = await backup.check();
  if (!ok) throw new Error('the backup that was begun anew is damaged');
}

/** Removing a layer whose table of contents is unreadable leaves its objects counted. A repair counts anew. */
/**
 * A copy gets one more image. Then its index is lost, and made anew from documents and from tables of packs: every
 * image is there again.
 */
async function losesIndex({ dir, store, sources }: Place): Promise<string[]> {
  const copy = join(dir, 'copy');
  // A store that was killed while it was made has no index that could be lost.
  if (!fs.existsSync(new Layout(store).format)) return [];
  execFileSync('cp', ['-a', store, copy]);
  try {
    await addOne(copy, join(sources, MORE));
    const before = await keysOf(copy);
    await rebuildIndex({ dir: copy, workers: 1 });
    const wrong: string[] = [];
    const images = await keysOf(copy);
    for (const key of before) if (!images.includes(key)) wrong.push(`lost with the index: image ${key}`);
    return [...wrong, ...(await inspectStore(copy)).map((what) => `with a new index: ${what}`)];
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
}

async function addOne(dir: string, source: string): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  await store.import(source);
}

async function keysOf(dir: string): Promise<string[]> {
  await using store = await openStore({ dir, workers: 1 });
  const keys: string[] = [];
  for await (const { key } of store.images()) keys.push(key);
  return keys;
}

async function recount(dir: string): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  const { miscounted } = await store.fsck();
  if (miscounted.length > 0) await store.fsck({ repair: true });
}

function contentOf(path: string): string {
  const stat = fs.lstatSync(path);
  if (stat.isDirectory()) {
    const parts = fs
      .readdirSync(path)
      .filter((name) => name !== UNFINISHED)
      .sort()
      .map((name) => `${name} ${contentOf(join(path, name))}`);
    return `dir ${stat.mode} ${createHash('sha256').update(parts.join('\n')).digest('hex')}`;
  }
  if (stat.isSymbolicLink()) return `link ${fs.readlinkSync(path)}`;
  if (!stat.isFile()) return `special ${stat.mode} ${stat.rdev}`;
  return `file ${stat.mode} ${stat.uid} ${createHash('sha256').update(fs.readFileSync(path)).digest('hex')}`;
}

/**
 * Compares index and disk, verifies every hash, and looks for stray files after a gc that keeps all and one that keeps
 * none.
 */
export async function inspectStore(dir: string): Promise<string[]> {
  const wrong: string[] = [];
  await using store = await openStore({ dir, workers: 1 });
  const { missing, miscounted } = await store.fsck();
  for (const { kind, id, what } of missing) wrong.push(`fsck: ${kind} ${id} ${what}`);
  for (const what of miscounted) wrong.push(`fsck: miscounted ${what}`);
  wrong.push(...inspectPacks(contextOf(store), false));
  const { damaged } = await store.check();
  for (const { kind, id, what } of damaged) wrong.push(`check: ${kind} ${id} ${what}`);
  for (const graceMs of [DAY_MS, 0]) {
    await store.gc({ images: true, graceMs });
    const { stray, ok, checked } = await store.fsck();
    if (!ok) wrong.push(`fsck after gc with a grace period of ${graceMs} ms`);
    wrong.push(...stray.map((path) => `stray after gc: ${path.slice(dir.length + 1)}`));
    wrong.push(
      ...countFiles(new Layout(dir), filesDue(store, checked), graceMs === 0).map((what) => `after gc: ${what}`),
    );
    wrong.push(...inspectPacks(contextOf(store), true).map((what) => `after gc: ${what}`));
  }
  return wrong;
}

/** In packs, an object is no file; but trees may share files with a cache. */
function filesDue(store: Store, checked: Counted): Counted {
  const { objects, index } = contextOf(store);
  if (objects.at.packs === undefined) return checked;
  const files = [...index.objects.values()].filter(({ at }) => at === undefined).length;
  return { ...checked, objects: files + cachedFiles(objects.at.dir) };
}

function cachedFiles(dir: string): number {
  const entries = fs.readdirSync(dir, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const shared = entries.filter(({ name, parentPath }) => fs.lstatSync(join(parentPath, name)).nlink > 1);
  return shared.filter(({ name }) => !name.endsWith('.p')).length;
}

interface Counted {
  objects: number;
  blobs: number;
  trees: number;
  pods: number;
}

/** Counts the files on disk without the engine's help. */
function countFiles(layout: Layout, listed: Counted, emptied: boolean): string[] {
  const files = (at: string): number =>
    fs.readdirSync(at, { withFileTypes: true, recursive: true }).filter((entry) => !entry.isDirectory()).length;
  const found = [
    ['objects', files(layout.objects), listed.objects],
    ['blobs', files(layout.blobs), listed.blobs],
    ['trees', fs.readdirSync(layout.trees).length, listed.trees],
    ['pods', fs.readdirSync(layout.pods).length, listed.pods],
    ['staging', files(layout.staging) - ownLocks(layout), 0],
    ['quarantine', emptied ? files(layout.quarantine) : 0, 0],
    ['locks', files(layout.locks), 0],
  ] as const;
  const beside = fs.readdirSync(layout.dir).filter((name) => name.endsWith('.tmp'));
  return [
    ...found
      .filter(([, there, due]) => there !== due)
      .map(([what, there, due]) => `${there} ${what} on disk, ${due} listed`),
    ...beside.map((name) => `${name} lies beside the store's own files`),
  ];
}

/** The gc that has just run has a session in staging, with its lock and nothing else. */
function ownLocks(layout: Layout): number {
  return fs.readdirSync(layout.staging).length;
}
