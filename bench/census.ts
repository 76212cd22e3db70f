/** Two trees that hold as many entries and bytes are taken for equal; the tests compare them in full. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath } from '../engine/bytes.js';

export interface Census {
  /** Below the root. */
  entries: number;
  /** Of regular files, each name counted. */
  bytes: number;
}

export function censusOf(root: string): Census {
  const census: Census = { entries: 0, bytes: 0 };
  const open: ByteString[] = [fromText(root)];
  for (let dir = open.pop(); dir !== undefined; dir = open.pop()) {
    for (const name of fs.readdirSync(toFsPath(dir), { encoding: 'latin1' })) {
      const path = `${dir}/${name}`;
      const stat = fs.lstatSync(toFsPath(path));
      census.entries++;
      if (stat.isFile()) census.bytes += stat.size;
      if (stat.isDirectory()) open.push(path);
    }
  }
  return census;
}
