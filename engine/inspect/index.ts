/**
 * What people ask: images, usage, files, differences. May import: collect, resolve, content, session, plan, index,
 * image, core.
 *
 * Nothing here writes.
 */
export type { CompareOptions, Difference } from './compare.js';
export type { FileRecord } from './files.js';
export type { HistoryStep } from './history.js';
export type { ImageDetails, ImageSummary } from './image.js';
export type { StoreInfo } from './info.js';
export type { ImageSelection } from './select.js';
export type { Usage } from './usage.js';
