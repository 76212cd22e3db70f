/**
 * Objects: how they are called, where they lie, their further copies. May import: core, disk.
 *
 * `home.ts` is all that others may ask for. A new kind of home is a class beside `loose.ts` and a line in `homes.ts`.
 */
export type { ObjectHome } from './home.js';
