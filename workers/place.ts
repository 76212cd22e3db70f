/** Moving what imports have staged to where it belongs. */
import * as fs from 'node:fs';
import { placeOnce } from '../engine/durable.js';
import { shardedPath } from '../engine/layout.js';
import type { PlaceTask } from './protocol.js';

export function placeStaged(task: PlaceTask): null {
  for (const from of task.newObjects) {
    for (const name of fs.readdirSync(from)) {
      const shard = name.slice(0, 2);
      // Workers that share a directory would wait for one another at every rename.
      if (Number.parseInt(shard, 16) % task.of !== task.share) continue;
      if (name === shard) placeShard(`${from}/${shard}`, `${task.objects}/${shard}`);
      else placeOnce(`${from}/${name}`, shardedPath(task.objects, name));
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
