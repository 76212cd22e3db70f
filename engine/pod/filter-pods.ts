/**
 * Lists pods, whole or a page at a time, with the filters of rkt's API service: fields of one filter must all fit, of
 * several filters one. Files of a pod are read only for filters by what stands in them.
 */
import { CairnError } from '../core/errors.js';
import type { PodRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { describePod, type PodDetails } from './show.js';
import { POD_STATES, type PodState, type PodSummary, PodsLook } from './states.js';

/** A pod fits if it fits every field that is given. */
export interface PodFilter {
  /** Ids, whole or their beginnings; any of them. */
  ids?: readonly string[];
  /** Any of them. */
  states?: readonly PodState[];
  /** Names of apps, all of which the pod has. */
  appNames?: readonly string[];
  /** Keys of images of its apps, whole or their beginnings; all of them. */
  imageIds?: readonly string[];
  /** Networks that it is part of; all of them. */
  networkNames?: readonly string[];
  /** Of its manifest; all of them. */
  annotations?: Readonly<Record<string, string>>;
  /** That it runs in; any of them. */
  cgroups?: readonly string[];
  /** Control groups in that of the pod, or that itself; any of them. */
  podSubCgroups?: readonly string[];
}

export interface PodSelection {
  /** Pods that fit any of these. */
  anyOf?: readonly PodFilter[];
  /** Pods behind the one with this id: the last of the page before. */
  after?: string;
  /** How many pods at most. */
  limit?: number;
}

/** In order of their ids. @throws CairnError `ERR_USAGE` for a filter that there is not */
export function* listPods(store: StoreContext, { anyOf = [], after = '', limit }: PodSelection): Generator<PodSummary> {
  const tests = anyOf.map(testOf);
  const look = new PodsLook(store);
  let left = limit ?? Number.POSITIVE_INFINITY;
  // Read at once: a row at a time would keep this moment's index for as long as the caller takes.
  for (const pod of [...store.index.pods.values(after === '' ? {} : { start: after })]) {
    if (left <= 0) return;
    if (pod.id === after) continue;
    const seen = new SeenPod(store, pod, look.summarize(pod));
    if (tests.length > 0 && !tests.some((test) => test(seen))) continue;
    left--;
    yield seen.summary;
  }
}

/** A pod whose files are read when they are first asked for. */
class SeenPod {
  readonly summary: PodSummary;
  readonly #store: StoreContext;
  readonly #record: PodRecord;
  #details: PodDetails | undefined;

  constructor(store: StoreContext, record: PodRecord, summary: PodSummary) {
    this.#store = store;
    this.#record = record;
    this.summary = summary;
  }

  get details(): PodDetails {
    this.#details ??= describePod(this.#store, this.#record);
    return this.#details;
  }
}

type Test = (pod: SeenPod) => boolean;

function testOf(filter: PodFilter): Test {
  const unknown = Object.keys(filter).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw new CairnError('ERR_USAGE', `pods cannot be filtered by ${JSON.stringify(unknown)}`);
  const { ids, states, appNames = [], imageIds = [], networkNames = [], cgroups, podSubCgroups } = filter;
  const strange = states?.find((state) => !POD_STATES.includes(state));
  if (strange !== undefined)
    throw new CairnError('ERR_USAGE', `pods are ${POD_STATES.join(', ')}, not ${JSON.stringify(strange)}`);
  const annotations = Object.entries(filter.annotations ?? {});
  return (pod) => {
    const { summary } = pod;
    return (
      any(ids, (id) => summary.pod.startsWith(id.toLowerCase())) &&
      any(states, (state) => summary.state === state) &&
      appNames.every((name) => summary.apps.some((app) => app.name === name)) &&
      imageIds.every((id) => summary.apps.some(({ image }) => image.startsWith(id.toLowerCase()))) &&
      networkNames.every((name) => pod.details.networks.includes(name)) &&
      annotations.every(([name, value]) =>
        pod.details.annotations.some((each) => each.name === name && each.value === value),
      ) &&
      any(cgroups, (cgroup) => pod.details.cgroup === cgroup) &&
      any(podSubCgroups, (cgroup) => isWithin(cgroup, pod.details.cgroup))
    );
  };
}

const FIELDS: ReadonlySet<string> = new Set<keyof Required<PodFilter>>([
  ...(['ids', 'states', 'appNames', 'imageIds', 'networkNames'] as const),
  ...(['annotations', 'cgroups', 'podSubCgroups'] as const),
]);

function any<T>(wanted: readonly T[] | undefined, test: (each: T) => boolean): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.some(test);
}

/** A pod that does not run is in no control group. */
function isWithin(cgroup: string, podCgroup: string): boolean {
  return podCgroup !== '' && (cgroup === podCgroup || cgroup.startsWith(`${podCgroup}/`));
}
