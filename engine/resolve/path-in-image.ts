/** Finds the entry of an image's plan that a person's path means. */
import { type ByteString, fromText, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { lookUp } from '../plan/look-up.js';
import type { Plan, PlanEntry } from '../plan/plan.js';

/** A path in an image's tree: text, or bytes where it is no UTF-8. With or without a leading slash. */
export type PathInImage = string | Uint8Array;

export function bytesOfPath(path: PathInImage): ByteString {
  return typeof path === 'string' ? fromText(path) : Buffer.from(path).toString('latin1');
}

export function shownPath(path: PathInImage): string {
  return typeof path === 'string' ? path : toText(bytesOfPath(path));
}

/**
 * @param followLast whether a symlink at the end is followed, as those before it are
 * @throws CairnError `ERR_NOT_FOUND`
 */
export function mustFind(plan: Plan, image: ImageRecord, path: PathInImage, followLast: boolean): PlanEntry {
  const { entry, dangling } = lookUp(plan, bytesOfPath(path), followLast);
  if (entry !== undefined) return entry;
  const [title, shown] = [titleOf(image), shownPath(path)];
  if (dangling === undefined) throw new CairnError('ERR_NOT_FOUND', `${title} has no ${shown}`, { entry: shown });
  const why = `/${toText(dangling.path)} is a symlink to ${toText(dangling.link)}, which is not in ${title}`;
  throw new CairnError('ERR_NOT_FOUND', why, { entry: shown });
}
