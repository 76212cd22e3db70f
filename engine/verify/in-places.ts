/** Objects of the index, in the order in which they lie. */
import type { NamedObject } from '../content/verify-files.js';

/** By packs, and by their places there. Objects that are files of their own come first. */
export function byPlace([, { at: one }]: NamedObject, [, { at: other }]: NamedObject): number {
  return (one?.pack ?? 0) - (other?.pack ?? 0) || (one?.offset ?? 0) - (other?.offset ?? 0);
}
