/** Looks at objects and their metadata for an index that is made anew. Hashes nothing. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { SurveyObjectsTask, SurveyResult } from '../tasks/verify.js';

export function surveyObjects(task: SurveyObjectsTask): SurveyResult {
  const home = homeAt(task.objects);
  const result: SurveyResult = { faults: {}, skipped: {} };
  task.names.forEach((name, i) => {
    checkCancelled(task.control);
    const lacks = look(home, name, task.sizes[i] as number, task.xattrs[name] ?? []);
    if (typeof lacks === 'string') result.faults[name] = lacks;
    else if (lacks.length > 0) result.skipped[name] = lacks;
    countItems(task.control, 1);
  });
  return result;
}

/** @returns what is wrong with the object, or else the metadata that it lacks */
function look(home: ObjectHome, name: string, size: number, xattrs: readonly string[]): string | SkippedKind[] {
  const found = home.look({ name, copy: 0 });
  if (typeof found === 'string') return found;
  const lacks = home.lacks(name, xattrs);
  if (lacks === undefined) return 'not an object';
  return found.size === BigInt(size) ? lacks : `${found.size} bytes instead of ${size}`;
}
