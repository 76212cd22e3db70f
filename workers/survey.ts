/** Looks what objects there are and what their metadata is, for an index that is made anew. Hashes nothing. */
import * as fs from 'node:fs';
import { fromText } from '../engine/bytes.js';
import { shardedPath } from '../engine/layout.js';
import { listXattrs } from '../engine/native.js';
import { parseVariant, type Variant } from '../engine/object.js';
import type { SurveyObjectsTask, SurveyResult } from './check-tasks.js';
import { checkCancelled, countItems } from './control.js';
import { timeFault } from './verify.js';

export function surveyObjects(task: SurveyObjectsTask): SurveyResult {
  const result: SurveyResult = { findings: [], skipped: {} };
  task.names.forEach((name, i) => {
    checkCancelled(task.control);
    const path = shardedPath(task.objects, name);
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    const variant = parseVariant(name.slice(129));
    const size = task.sizes[i] as number;
    if (stat === undefined) result.findings.push({ id: name, what: 'missing' });
    else if (variant === undefined || !stat.isFile()) result.findings.push({ id: name, what: 'not an object' });
    else if (stat.size !== BigInt(size))
      result.findings.push({ id: name, what: `${stat.size} bytes instead of ${size}` });
    else {
      const skipped = [...lacking(stat, variant), ...lackingXattrs(path, task.xattrs[name] ?? [])];
      if (skipped.length > 0) result.skipped[name] = skipped;
    }
    countItems(task.control, 1);
  });
  return result;
}

/** What a file does not have of what its name spells, in the words of whoever could not set it. */
function lacking(stat: fs.BigIntStats, { mode, uid, gid, sec, nsec }: Variant): string[] {
  const skipped: string[] = [];
  if (Number(stat.mode & 0o7777n) !== mode) skipped.push('mode');
  if (Number(stat.uid) !== uid || Number(stat.gid) !== gid) skipped.push('owner');
  if (timeFault(stat.mtimeNs, sec, nsec, false) !== undefined)
    skipped.push(timeFault(stat.mtimeNs, sec, nsec, true) === undefined ? 'time below a microsecond' : 'time');
  return skipped;
}

function lackingXattrs(path: string, wanted: readonly string[]): string[] {
  if (wanted.length === 0) return [];
  const found = listXattrs(fromText(path));
  return wanted.filter((name) => found?.has(name) !== true).map((name) => `xattr ${name}`);
}
