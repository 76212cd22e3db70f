/** Finds the entry of an image's plan that a person's path means. */
import { fromText, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { lookUp } from '../plan/look-up.js';
import type { Plan, PlanEntry } from '../plan/plan.js';

/**
 * @param followLast whether a symlink at the end is followed, as those before it are
 * @throws CairnError `ERR_NOT_FOUND`
 */
export function mustFind(plan: Plan, image: ImageRecord, path: string, followLast: boolean): PlanEntry {
  const { entry, dangling } = lookUp(plan, fromText(path), followLast);
  if (entry !== undefined) return entry;
  const title = titleOf(image);
  if (dangling === undefined) throw new CairnError('ERR_NOT_FOUND', `${title} has no ${path}`, { entry: path });
  const why = `/${toText(dangling.path)} is a symlink to ${toText(dangling.link)}, which is not in ${title}`;
  throw new CairnError('ERR_NOT_FOUND', why, { entry: path });
}
