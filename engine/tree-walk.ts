/** What lies on disk below a tree's root that its plan does not know. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath } from './bytes.js';
import type { Plan } from './plan/plan.js';

/** Paths that are there and not planned; what lies below one is not listed again. */
export function extraPaths(root: string, plan: Plan): ByteString[] {
  const planned = new Set(plan.entries.map(({ path }) => path));
  const base = fromText(root);
  const extra: ByteString[] = [];
  for (const { path, type } of plan.entries) {
    if (type !== 'dir') continue;
    const prefix = path === '' ? '' : `${path}/`;
    for (const name of namesIn(path === '' ? base : `${base}/${path}`)) {
      if (!planned.has(prefix + name)) extra.push(prefix + name);
    }
  }
  return extra;
}

function namesIn(dir: ByteString): ByteString[] {
  try {
    return fs.readdirSync(toFsPath(dir), { encoding: 'latin1' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return []; // named as missing already
    throw error;
  }
}
