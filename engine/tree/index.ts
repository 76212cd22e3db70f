/**
 * Root file systems: render, mount and checkout. May import: resolve, content, session, plan, erofs, index, disk,
 * workers/tasks, core.
 *
 * Begin with `render.ts`. `execute.ts` carries out any plan, in the store or outside of it; `mount.ts` lets the kernel
 * do it.
 */
export type { CheckedOut, CheckoutOptions } from './checkout.js';
export type { CopiedOut, CopyOutOptions } from './copy-out.js';
export type { TreeMount } from './mounts.js';
export type { Mounted, MountOptions, Rendered, RenderOptions } from './options.js';
