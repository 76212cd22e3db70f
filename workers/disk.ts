/** Tasks that move and delete. */
import * as fs from 'node:fs';
import { placeOnce } from '../engine/durable.js';
import type { PlaceTask, RemoveTask } from './protocol.js';

export function placeStaged(task: PlaceTask): null {
  for (const from of task.newObjects) {
    for (const shard of fs.readdirSync(from)) {
      // Workers that share a directory would wait for one another at every rename.
      if (Number.parseInt(shard, 16) % task.of === task.share)
        placeShard(`${from}/${shard}`, `${task.objects}/${shard}`);
    }
  }
  for (const [from, to] of task.files) placeOnce(from, to);
  return null;
}

/** The first objects of a shard bring their directory along; later ones move one by one. */
function placeShard(from: string, to: string): void {
  if (placeOnce(from, to)) return;
  for (const name of fs.readdirSync(from)) placeOnce(`${from}/${name}`, `${to}/${name}`);
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
