/** What the store holds, in numbers that the index keeps: nothing is walked, so that it may be asked all the time. */
import { lastEventId } from '../index/events.js';
import type { Totals } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

export interface Counts extends Totals {
  images: number;
  layers: number;
  trees: number;
  /** Bytes of the index itself. */
  indexBytes: number;
  /** The number of the last event; 0 where there is none. */
  lastEvent: number;
}

export function countsOf({ index }: StoreContext): Counts {
  index.refresh();
  return {
    images: index.images.size,
    layers: index.layers.size,
    trees: index.trees.size,
    ...index.totals,
    indexBytes: index.bytesOnDisk,
    lastEvent: lastEventId(index),
  };
}
