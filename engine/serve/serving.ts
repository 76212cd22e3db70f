/** What all routes work with. */
import type { Store } from '../store.js';
import type { Metrics } from './metrics.js';
import type { Running } from './running.js';

export type Offer = Awaited<ReturnType<Store['offer']>>;
export type ImageSummary = NonNullable<Awaited<ReturnType<ReturnType<Store['images']>['next']>>['value']>;

export interface Serving {
  store: Store;
  offer: Offer;
  /** Whether requests may change the store. */
  mayWrite: boolean;
  running: Running;
  metrics: Metrics;
  /** Fires when the server begins to end. */
  ending: AbortSignal;
  /** Fires when what is under way then has had its time. */
  cutOff: AbortSignal;
  /** Tells whoever runs the server. */
  notice: (message: string) => void;
}
