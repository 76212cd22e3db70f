/** Pods as they are listed: by the index, the names in two directories, and the locks of those that may be running. */
import { isPodRunning } from '../content/pod-files.js';
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import { namesIn } from '../disk/list-directory.js';
import type { PodAppRecord, PodRecord } from '../index/records.js';
import { isComplete } from '../resolve/completeness.js';
import type { StoreContext } from '../session/context.js';

export type PodState = 'prepared' | 'running' | 'exited' | 'damaged';

export const POD_STATES: readonly PodState[] = ['prepared', 'running', 'exited', 'damaged'];

export interface PodSummary {
  pod: string;
  /** A pod that runs is told as such, even if it is damaged. */
  state: PodState;
  apps: PodAppRecord[];
  /** Times are ISO 8601. */
  createdAt: string;
  startedAt?: string;
  /** Absent for a pod whose runner was killed. */
  exitedAt?: string;
  /** By app. */
  exitCodes?: Record<string, number>;
  /** What is wrong with it. */
  damaged?: string;
}

/** Looks at many pods: what they share is looked up once. */
export class PodsLook {
  readonly #store: StoreContext;
  readonly #directories: ReadonlySet<string>;
  readonly #trees: ReadonlySet<string>;
  readonly #images = new Map<Key, string | undefined>();

  constructor(store: StoreContext) {
    this.#store = store;
    this.#directories = new Set(namesIn(store.layout.pods));
    this.#trees = new Set(namesIn(store.layout.trees));
  }

  summarize(pod: PodRecord): PodSummary {
    const damaged = this.#faultOf(pod);
    const { id, apps, createdAt, startedAt, exitedAt, exitCodes } = pod;
    return {
      pod: id,
      state: stateOf(this.#store, pod, damaged),
      apps,
      createdAt: isoTime(createdAt),
      ...defined({ startedAt: isoTime(startedAt), exitedAt: isoTime(exitedAt), exitCodes, damaged }),
    };
  }

  #faultOf({ id, apps }: PodRecord): string | undefined {
    if (!this.#directories.has(id)) return 'its directory is missing';
    for (const { name, image, treeId } of apps) {
      const fault = this.#faultOfImage(image);
      if (fault !== undefined) return `app ${name}: ${fault}`;
      // A tree that is not listed can be rendered again. One that is listed should be there.
      if (this.#store.index.trees.has(treeId) && !this.#trees.has(treeId)) return `app ${name}: its tree is missing`;
    }
    return undefined;
  }

  #faultOfImage(key: Key): string | undefined {
    if (!this.#images.has(key)) this.#images.set(key, faultOfImage(this.#store, key));
    return this.#images.get(key);
  }
}

function faultOfImage({ index }: StoreContext, key: Key): string | undefined {
  const image = index.image(key);
  if (image === undefined) return `image ${key} is gone`;
  return isComplete(index, image) ? undefined : `parts of image ${key} are gone`;
}

export function stateOf({ layout }: StoreContext, pod: PodRecord, damaged: string | undefined): PodState {
  if (isPodRunning(layout, pod)) return 'running';
  if (damaged !== undefined) return 'damaged';
  return pod.startedAt === undefined ? 'prepared' : 'exited';
}

export function isoTime(ms: number): string;
export function isoTime(ms: number | undefined): string | undefined;
export function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
