/** What a check finds. */
import type { Key } from '../core/key.js';

export interface Damage {
  kind: 'manifest' | 'layer' | 'object' | 'pack' | 'blob' | 'tree' | 'pod';
  /** Image or layer key, object name, name of a pack's file, tree id, UUID of a pod. */
  id: string;
  /** A path below the tree's root. */
  path?: string;
  what: string;
  /** It is metadata that differs. An object's content is right then, unless the check was a quick one. */
  metadata?: true;
  /** The key of the damaged file, if it is a blob. */
  key?: Key;
  /** Of a path of a tree: the file of the object that is at fault. */
  object?: string;
  /** A repair has marked it as gone, and an import is to restore it. */
  awaited?: true;
}

/** What is said of something that a repair has found missing. */
export const AWAITED = 'gone since a repair, to be imported again';
