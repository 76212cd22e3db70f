/** The options and the result of a render. */
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import type { FindOptions } from '../core/finding.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';

/** `pull` is `missing` by default. */
export interface RenderOptions extends OperationOptions, FindOptions {
  /** How files get their content; `link` by default. An existing tree keeps its mode. */
  mode?: RenderMode;
  /** Make the tree anew even if it exists. */
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
  /** Metadata that could not be set, by kind. Empty for root on a file system that supports all of it. */
  skipped: Skipped;
  ms: number;
}
