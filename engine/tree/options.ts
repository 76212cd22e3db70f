/** What may be asked of a render, and what is told of it. */
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';

export interface RenderOptions extends OperationOptions {
  /** How files get their content; `link` where none is given. A tree that exists keeps the mode it was made in. */
  mode?: RenderMode;
  /** Makes the tree anew even if it exists. */
  rebuild?: boolean;
}

export interface Rendered {
  image: Key;
  treeId: string;
  /** The root file system itself. */
  path: string;
  hash: Key;
  files: number;
  bytes: number;
  uniqueBytes: number;
  mode: RenderMode;
  existed: boolean;
  /** What could not be set, by kind; empty for root on a file system that has everything. */
  skipped: Skipped;
  ms: number;
}
