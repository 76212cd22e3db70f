/**
 * What fetches left half done in `fetching/`, once nobody has come back for it. Each file is the beginning of one blob;
 * who works on a blob holds its lock. Notes on URLs lie there, too, and stay as long as they lead to an image.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';
import type { Layout } from './layout.js';
import { tryLock } from './lock.js';

export interface Partial {
  name: string;
  bytes: number;
}

/** Partial files that nobody works on, last changed by `oldest` (milliseconds since 1970). */
export function expiredPartials(layout: Layout, oldest: number): Partial[] {
  return namesIn(layout.fetching).flatMap((name) => whileUnlocked(layout, { name, oldest }, () => {}) ?? []);
}

/** Removes those that are expired still. */
export function removePartials(layout: Layout, partials: readonly Partial[], oldest: number): void {
  for (const { name } of partials)
    whileUnlocked(layout, { name, oldest }, (path) => fs.rmSync(path, { recursive: true, force: true }));
}

function whileUnlocked(
  layout: Layout,
  { name, oldest }: { name: string; oldest: number },
  work: (path: string) => void,
): Partial | undefined {
  const path = join(layout.fetching, name);
  const free = tryLock(layout.fetchLock(name.split('.', 1)[0] as string), true);
  if (free === undefined) return undefined;
  try {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.mtimeMs > oldest) return undefined;
    work(path);
    return { name, bytes: stat.isFile() ? stat.size : 0 };
  } finally {
    free.release();
  }
}

/** Beginnings of blobs. Stores that never fetched have no such directory. */
function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir).filter((name) => !/^[0-9a-f]{64}\.json$/.test(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
