/**
 * Tries archives that were accepted in memory on a real store among canaries: imports, renders, checks and exports
 * them. Anything on the disk that is not of an archive's plan is a failure.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CairnError } from '../../engine/core/errors.js';
import type { Imported, ImportFailure } from '../../engine/import/import.js';
import type { Plan, PlanEntry } from '../../engine/plan/plan.js';
import { openStore, type Store } from '../../engine/store.js';
import type { ImageFormat } from '../../workers/tasks/import.js';
import { ACI, canaries, deviceOf, OCI, type Place, treeOn } from '../fixtures/hostile.js';
import { LIMITS, TRAPS } from './examine.js';

export interface Trial {
  archive: Buffer;
  format: ImageFormat;
  /** The archive's plan; `undefined` if it was refused in memory. */
  plan: Plan | undefined;
  /** The uncompressed archive. */
  bytes: Buffer;
}

/** Refusals that are due to the documents around a layer or to a missing digest. */
const LATE = ['ERR_BAD_MANIFEST', 'ERR_BAD_ARCHIVE', 'ERR_NOT_AN_IMAGE', 'ERR_NAME_SYNTAX'];

const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/** Only root makes devices, and Linux has 12 bits for major and 20 for minor numbers. */
function cannotBeMade({ type, devMajor, devMinor }: PlanEntry): boolean {
  if (type !== 'char' && type !== 'block') return false;
  return process.geteuid?.() !== 0 || devMajor > MAX_MAJOR || devMinor > MAX_MINOR;
}

/** @returns for each trial the code of its refusal, or '' */
export async function tryOut(place: Place, trials: readonly Trial[]): Promise<string[]> {
  const before = around(place);
  const archives = join(place.dir, 'archives');
  const sources = trials.map(({ archive, format }, i) =>
    format === 'aci' ? ACI.write(archives, `${i}`, archive) : OCI.write(archives, `${i}`, [TRAPS, archive]),
  );
  try {
    await using store = await openStore({ dir: place.store, limits: LIMITS, workers: 2 });
    const results = await store.importAll(sources, { keepGoing: true });
    const codes: string[] = [];
    for (const [i, result] of results.entries()) codes.push(await follow(store, place, trials[i] as Trial, result));
    const checked = await store.check();
    assert.deepEqual(checked.damaged, []);
    const found = await store.fsck();
    assert.deepEqual({ missing: found.missing, stray: found.stray }, { missing: [], stray: [] });
    assert.deepEqual(staged(place), []);
    return codes;
  } finally {
    fs.rmSync(place.store, { recursive: true, force: true });
    fs.rmSync(archives, { recursive: true, force: true });
    fs.mkdirSync(archives);
    assert.deepEqual(around(place), before, 'something around the store has changed');
  }
}

/** Files of sessions in staging, besides the locks that say that the sessions last. */
function staged({ store }: Place): string[] {
  const staging = join(store, 'staging');
  const sessions = fs.readdirSync(staging, { withFileTypes: true }).filter((each) => each.isDirectory());
  return sessions.flatMap(({ name }) => fs.readdirSync(join(staging, name))).filter((name) => name !== 'lock');
}

/** Names around the store that the canaries of a {@link Place} do not cover. */
function around(place: Place): Record<string, string> {
  const { [join(place.dir, 'archives')]: _own, ...rest } = canaries(place);
  return { ...rest, '/': fs.readdirSync('/').join(' ') };
}

async function follow(store: Store, place: Place, trial: Trial, result: Imported | ImportFailure): Promise<string> {
  if ('error' in result) {
    if (trial.plan !== undefined) assert.ok(LATE.includes(result.error.code), `refused late: ${result.error.message}`);
    return result.error.code;
  }
  const { plan } = trial;
  assert.ok(plan, 'taken by the store, refused before');
  try {
    const { path, hash, skipped } = await store.render(result.key);
    assert.match(hash, /^sha512-/);
    const found = treeOn(path);
    const promised = treeOf(plan, found);
    const impossible = plan.entries.filter(cannotBeMade);
    assert.equal(skipped['device'] !== undefined, impossible.length > 0, 'devices are left out, or not said to be');
    for (const each of impossible) delete promised[each.path];
    assert.deepEqual(found, promised);
  } catch (error) {
    if (!(error instanceof CairnError) || error.code !== 'ERR_UNSUPPORTED') throw error;
    return error.code;
  }
  await assertExport(store, place, trial, result);
  return '';
}

/** A plan's tree, as {@link treeOn} describes trees. Files are compared by length: `check` hashes their content. */
function treeOf(plan: Plan, found: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    plan.entries.slice(1).map((each): [string, string] => {
      const device = deviceOf(each.devMajor, each.devMinor);
      if (each.type === 'symlink') return [each.path, `link ${each.link}`];
      if (each.type !== 'file')
        return [each.path, each.type === 'dir' || each.type === 'fifo' ? each.type : `${each.type} ${device}`];
      const there = found[each.path];
      return [each.path, there?.length === each.size + 'file '.length ? there : `file of ${each.size} bytes`];
    }),
  );
}

async function assertExport(store: Store, place: Place, { format, bytes }: Trial, { key }: Imported): Promise<void> {
  const file = join(place.dir, 'archives', 'exported');
  await store.export(key, file, { compress: 'none' });
  if (format === 'aci') assert.ok(fs.readFileSync(file).equals(bytes), 'an ACI comes out as another');
  else {
    for (const layer of [TRAPS, bytes]) {
      const digest = createHash('sha256').update(layer).digest('hex');
      assert.ok(fs.readFileSync(join(file, 'blobs', 'sha256', digest)).equals(layer), 'a layer comes out as another');
    }
  }
  fs.rmSync(file, { recursive: true });
}
