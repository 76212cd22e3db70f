/** Finds paths on disk below a tree's root that the tree's plan does not have. */
import * as fs from 'node:fs';
import type { Finding } from '../../workers/tasks/verify.js';
import { type ByteString, fromText, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import type { Plan } from '../plan/plan.js';

/** Finds unplanned paths, without the paths below them, and directories that cannot be listed. */
export function extraPaths(root: string, plan: Plan): Finding[] {
  const planned = new Set(plan.entries.map(({ path }) => path));
  const base = fromText(root);
  const findings: Finding[] = [];
  for (const { path, type } of plan.entries) {
    if (type !== 'dir') continue;
    const prefix = path === '' ? '' : `${path}/`;
    const names = namesIn(path === '' ? base : `${base}/${path}`);
    if (names === undefined) findings.push({ id: path, what: 'cannot be listed: permission denied' });
    for (const name of names ?? []) {
      if (!planned.has(prefix + name)) findings.push({ id: prefix + name, what: 'not in the plan' });
    }
  }
  return findings;
}

/** @returns `undefined` for a directory that may not be listed */
function namesIn(dir: ByteString): ByteString[] | undefined {
  try {
    return fs.readdirSync(toFsPath(dir), { encoding: 'latin1' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []; // named as missing already
    if (hasCode(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
