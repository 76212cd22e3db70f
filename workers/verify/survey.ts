/** Looks what objects there are and what their metadata is, for an index that is made anew. Hashes nothing. */
import { type ByteString, fromText } from '../../engine/core/bytes.js';
import { shardedPath } from '../../engine/disk/layout.js';
import { type FileStat, fileStat } from '../../engine/disk/stat.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { parseVariant, type Variant } from '../../engine/objects/name.js';
import { isTime } from '../files/verify-metadata.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { SurveyObjectsTask, SurveyResult } from '../tasks/verify.js';

export function surveyObjects(task: SurveyObjectsTask): SurveyResult {
  const result: SurveyResult = { findings: [], skipped: {} };
  task.names.forEach((name, i) => {
    checkCancelled(task.control);
    const path = fromText(shardedPath(task.objects, name));
    const stat = fileStat(path);
    const variant = parseVariant(name.slice(129));
    const size = task.sizes[i] as number;
    if (stat === undefined) result.findings.push({ id: name, what: 'missing' });
    else if (variant === undefined || stat.type !== 'file') result.findings.push({ id: name, what: 'not an object' });
    else if (stat.size !== size) result.findings.push({ id: name, what: `${stat.size} bytes instead of ${size}` });
    else {
      const skipped = [...lacking(stat, variant), ...lackingXattrs(path, task.xattrs[name] ?? [])];
      if (skipped.length > 0) result.skipped[name] = skipped;
    }
    countItems(task.control, 1);
  });
  return result;
}

/** What a file does not have of what its name spells, in the words of whoever could not set it. */
function lacking(stat: FileStat, variant: Variant): string[] {
  const skipped: string[] = [];
  if (stat.mode !== variant.mode) skipped.push('mode');
  if (stat.uid !== variant.uid || stat.gid !== variant.gid) skipped.push('owner');
  if (!isTime(stat, variant, false)) skipped.push(isTime(stat, variant, true) ? 'time below a microsecond' : 'time');
  return skipped;
}

function lackingXattrs(path: ByteString, wanted: readonly string[]): string[] {
  if (wanted.length === 0) return [];
  const found = listXattrs(path);
  return wanted.filter((name) => found?.has(name) !== true).map((name) => `xattr ${name}`);
}
