/**
 * Gives back the blocks of packs in which nothing is alive. The index says that a part is dead before a hole is
 * punched, and forgets the part when the hole is on disk: after a crash in between it is punched once more.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { hasCode, toCairnError, withPath } from '../core/errors.js';
import { punch } from '../disk/file-ranges.js';
import type { PackRecord } from '../index/records.js';
import { packFileName } from '../objects/pack/format.js';
import { holesIn, type Punching } from '../objects/pack/holes.js';
import type { DeadPart } from '../objects/pack/unused-parts.js';
import { type StoreContext, sayLeftBehind } from '../session/context.js';

const sync = promisify(fs.fsync);

/** A pack, or a part of it: from `base` up to `end`. */
export interface PackRange {
  pack: number;
  base?: number;
  end?: number;
}

export interface PunchOptions {
  /** The parts are left as they are unless so many bytes come back. */
  least?: number;
  /** How the index forgets them. By default that may take the space that is kept back for a full disk. */
  commit?: (change: () => void, rows: number) => Promise<void>;
}

/**
 * Nobody may rely on anything there: the caller keeps everybody out, or knows that nobody can ever have read it.
 * @throws CairnError `ERR_NO_SPACE`, … after which the parts are dead as before
 */
export async function punchDead(store: StoreContext, range: PackRange, options: PunchOptions = {}): Promise<void> {
  const { index } = store;
  const { pack } = range;
  const { least = 1, commit = (change) => index.commitRemoval(change) } = options;
  const dead = [...deadParts(store, range)];
  const punching = holesIn(dead);
  const bytes = bytesOf(punching.holes);
  if (bytes < least || !(await punchHoles(store, pack, punching))) return;
  await commit(() => {
    const known = index.packs.get(pack) as PackRecord;
    for (const { offset } of dead) index.dead.remove({ pack, offset });
    for (const { offset, length } of punching.rest) index.dead.put({ pack, offset }, length);
    index.packs.put(pack, { ...known, dead: known.dead - bytes, other: known.other + bytes });
  }, dead.length);
}

/** In rising order. */
export function* deadParts({ index }: StoreContext, { pack, base = 0, end }: PackRange): Generator<DeadPart> {
  const behind = end === undefined ? { pack: pack + 1, offset: 0 } : { pack, offset: end };
  for (const { key, value } of index.dead.entries({ start: { pack, offset: base }, end: behind })) {
    yield { offset: key.offset, length: value };
  }
}

/** @returns whether all of them are on disk */
async function punchHoles(store: StoreContext, pack: number, { holes }: Punching): Promise<boolean> {
  const path = store.layout.pack(packFileName(pack));
  const fd = openPack(store, pack, fs.constants.O_RDWR);
  if (fd === undefined) return false;
  try {
    if (!holes.every((hole) => punch(fd, hole, path))) return false;
    // Off this thread: another import may be appending to the pack, and much of that may wait for the disk.
    await sync(fd);
    return true;
  } catch (error) {
    throw toCairnError(withPath(error, path));
  } finally {
    fs.closeSync(fd);
  }
}

/** @returns `undefined` for a pack that is not there or cannot be opened, which a check reports */
export function openPack(store: StoreContext, pack: number, flags: number): number | undefined {
  const name = packFileName(pack);
  try {
    return fs.openSync(store.layout.pack(name), flags | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ELOOP')) throw toCairnError(error);
    sayLeftBehind(store, error, `pack ${name}: `);
    return undefined;
  }
}

function bytesOf(parts: readonly DeadPart[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
