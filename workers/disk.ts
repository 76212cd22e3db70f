/** Tasks that move, flush and delete. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { placeMakingParent, syncStore } from '../engine/durable.js';
import { shardedPath } from '../engine/layout.js';
import type { PlaceTask, RemoveTask, SyncTask } from './protocol.js';

export function placeStaged(task: PlaceTask): { placed: number } {
  let placed = 0;
  for (const dir of task.objectDirs) {
    for (const name of fs.readdirSync(dir)) {
      const to = shardedPath(task.objects, name);
      // Another import may have been faster. Its copy stays: trees may link to it already.
      if (fs.existsSync(to)) continue;
      placeMakingParent(join(dir, name), to);
      placed++;
    }
  }
  for (const [from, to] of task.files) {
    if (fs.existsSync(to)) continue;
    placeMakingParent(from, to);
  }
  return { placed };
}

export function sync(task: SyncTask): null {
  syncStore(task.dir);
  return null;
}

export function removePaths(task: RemoveTask): null {
  for (const path of task.paths) removeTree(path);
  return null;
}

/** `rm -rf`, also of directories whose owner may not write in them. */
function removeTree(path: string): void {
  try {
    fs.rmSync(path, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    openUp(Buffer.from(path));
    fs.rmSync(path, { recursive: true, force: true });
  }
}

function openUp(path: Buffer): void {
  if (!fs.lstatSync(path).isDirectory()) return;
  fs.chmodSync(path, 0o700);
  for (const name of fs.readdirSync(path, { encoding: 'buffer' }))
    openUp(Buffer.concat([path, Buffer.from('/'), name]));
}
