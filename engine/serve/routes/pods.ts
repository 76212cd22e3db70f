/** Pods: listed and looked at, with the filters of rkt's API service. */
import { CairnError } from '../../core/errors.js';
import type { Serving } from '../serving.js';
import { filterParameter, pairsIn, parseFilter } from './filters.js';
import { LIMIT } from './images.js';
import { type ApiRequest, json, listOf, named, type Route, recordOf, TEXT, WORDS } from './route.js';

const FILTER = {
  ids: WORDS,
  states: WORDS,
  appNames: WORDS,
  imageIds: WORDS,
  networkNames: WORDS,
  annotations: { type: 'object', additionalProperties: TEXT },
  cgroups: WORDS,
  podSubCgroups: WORDS,
};

/** Fields of a filter, and the parameters of a query that give them. */
const PARAMETERS = {
  id: 'ids',
  state: 'states',
  appName: 'appNames',
  imageId: 'imageIds',
  networkName: 'networkNames',
  cgroup: 'cgroups',
  podSubCgroup: 'podSubCgroups',
} as const;

const POD_ID = /^[0-9a-f-]{2,36}$/;

export const PODS: readonly Route[] = [
  {
    id: 'listPods',
    method: 'GET',
    path: '/api/v1/pods',
    summary: 'Lists pods in order of their ids, those that fit all parameters.',
    query: {
      limit: LIMIT,
      after: { type: 'string', pattern: POD_ID.source, description: 'the `next` of the page before' },
      id: { ...WORDS, description: 'ids, whole or their beginnings; any of them' },
      state: { ...WORDS, description: 'prepared, running, exited or damaged; any of them' },
      appName: { ...WORDS, description: 'names of apps; all of them' },
      imageId: { ...WORDS, description: 'keys of images of apps, whole or their beginnings; all of them' },
      networkName: { ...WORDS, description: 'networks; all of them' },
      annotation: { ...WORDS, description: '`NAME=VALUE`, of the manifest; all of them' },
      cgroup: { ...WORDS, description: 'that the pod runs in; any of them' },
      podSubCgroup: { ...WORDS, description: 'within that of the pod; any of them' },
      filter: filterParameter(FILTER, 'a pod'),
    },
    answers: { 200: json('a page', recordOf({ pods: listOf(named('Pod')), next: TEXT }, ['next'])) },
    handle: listPods,
  },
  {
    id: 'inspectPod',
    method: 'GET',
    path: '/api/v1/pods/{pod}',
    summary: 'Shows one pod, whole.',
    answers: { 200: json('the pod', named('PodDetails')) },
    handle: async ({ store }, { params }) => store.showPod(podIn(params)),
  },
  {
    id: 'getPodManifest',
    method: 'GET',
    path: '/api/v1/pods/{pod}/manifest',
    summary: "Gives the exact bytes of a pod's manifest.",
    answers: { 200: { says: 'the manifest', content: { 'application/json': {} } } },
    handle: async ({ store }, { params }, reply) =>
      reply.type('application/json').send(await store.catPodManifest(podIn(params))),
  },
];

function podIn(params: Record<string, string>): string {
  const id = (params['pod'] as string).toLowerCase();
  if (POD_ID.test(id)) return id;
  throw new CairnError('ERR_KEY_SYNTAX', `not the id of a pod: ${JSON.stringify(id).slice(0, 80)}`);
}

async function listPods({ store }: Serving, request: ApiRequest): Promise<object> {
  const query = request.query as Record<string, string[] | undefined> & { limit: number; after?: string };
  const { limit, after, annotation, filter = [] } = query;
  const own: Record<string, unknown> = {};
  for (const [parameter, field] of Object.entries(PARAMETERS))
    if (query[parameter] !== undefined) own[field] = query[parameter];
  if (annotation !== undefined) own['annotations'] = pairsIn(annotation);
  const anyOf = [...(Object.keys(own).length === 0 ? [] : [own]), ...filter.map((text) => parseFilter(text, FILTER))];
  const pods: { pod: string }[] = [];
  const from = after === undefined ? {} : { after };
  for await (const pod of store.pods({ anyOf, limit: limit + 1, ...from })) pods.push(pod);
  if (pods.length <= limit) return { pods };
  pods.pop();
  return { pods, next: pods.at(-1)?.pod };
}
