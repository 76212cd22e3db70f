/**
 * What people ask: images, usage, files, differences. May import: collect, resolve, content, session, plan, index,
 * image, core.
 *
 * Nothing here writes.
 */
export type { CompareOptions, Difference } from './compare.js';
export type { Counts } from './counts.js';
export type { DamagedImage } from './damaged.js';
export type { FileRecord, ReadOptions, StatOptions } from './files.js';
export type { ImageFilter } from './filter.js';
export type { EventsOptions, ToldEvent } from './follow-events.js';
export type { HistoryStep } from './history.js';
export type { ImageDetails, ImageSummary } from './image.js';
export type { StoreInfo } from './info.js';
export type { TreeSelection } from './list.js';
export type { ImageSelection } from './select.js';
export type { ImageShare } from './shares.js';
export type { Usage } from './usage.js';
