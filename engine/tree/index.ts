/**
 * Root file systems: render and checkout. May import: resolve, content, session, plan, index, disk, workers/tasks,
 * core.
 *
 * Begin with `render.ts`. `execute.ts` carries out any plan, in the store or outside of it.
 */
export type { CheckedOut, CheckoutOptions } from './checkout.js';
export type { CopiedOut, CopyOutOptions } from './copy-out.js';
export type { Rendered, RenderOptions } from './options.js';
