/** Images: listed, looked at, sent as the tar of their tree. */
import { sendBytes } from '../http/send.js';
import type { ImageSummary, Serving } from '../serving.js';
import { filterParameter, pairsIn, parseFilter } from './filters.js';
import { type ApiRequest, COUNT, json, KEY, listOf, named, type Route, recordOf, TEXT, TIME, WORDS } from './route.js';

const PAGE = 1000;
const LARGEST_PAGE = 10_000;

export const LIMIT = { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: PAGE };

const FILTER = {
  ids: WORDS,
  prefixes: WORDS,
  baseNames: WORDS,
  keywords: WORDS,
  fullNames: WORDS,
  labels: { type: 'object', additionalProperties: TEXT },
  importedAfter: COUNT,
  importedBefore: COUNT,
  annotations: { type: 'object', additionalProperties: TEXT },
};

/** Fields of a filter, and the parameters of a query that give them. */
const PARAMETERS = {
  id: 'ids',
  prefix: 'prefixes',
  baseName: 'baseNames',
  keyword: 'keywords',
  fullName: 'fullNames',
} as const;

interface ListQuery {
  limit: number;
  after?: string;
  filter?: string[];
  label?: string[];
  annotation?: string[];
  importedAfter?: string;
  importedBefore?: string;
  id?: string[];
  prefix?: string[];
  baseName?: string[];
  keyword?: string[];
  fullName?: string[];
}

export const IMAGES: readonly Route[] = [
  {
    id: 'listImages',
    method: 'GET',
    path: '/api/v1/images',
    summary: 'Lists images in order of their keys, those that fit all parameters.',
    query: {
      limit: LIMIT,
      after: { ...KEY, description: 'the `next` of the page before' },
      id: { ...WORDS, description: 'keys or digests, whole or their beginnings; any of them' },
      prefix: { ...WORDS, description: 'what a name begins with; any of them' },
      baseName: { ...WORDS, description: 'the last part of a name; any of them' },
      keyword: { ...WORDS, description: 'what a name has in it; any of them' },
      fullName: { ...WORDS, description: 'names without their tags; any of them' },
      label: { ...WORDS, description: '`NAME=VALUE`; all of them' },
      annotation: { ...WORDS, description: '`NAME=VALUE`, of the manifest; all of them' },
      importedAfter: { ...TIME, description: 'later ones only' },
      importedBefore: { ...TIME, description: 'earlier ones only' },
      filter: filterParameter(FILTER, 'an image'),
    },
    answers: {
      200: json('a page', recordOf({ images: listOf(named('Image')), next: KEY }, ['next'])),
    },
    handle: listImages,
  },
  {
    id: 'inspectImage',
    method: 'GET',
    path: '/api/v1/images/{image}',
    summary: 'Shows one image, whole.',
    answers: { 200: json('the image', named('ImageDetails')) },
    handle: async ({ store }, { params }) => store.inspect(await imageIn(store, params)),
  },
  {
    id: 'getManifest',
    method: 'GET',
    path: '/api/v1/images/{image}/manifest',
    summary: "Gives the exact bytes of an image's manifest.",
    answers: { 200: { says: 'the manifest', content: { 'application/json': {} } } },
    handle: async ({ store }, { params }, reply) =>
      reply.type('application/json').send(await store.catManifest(await imageIn(store, params))),
  },
  {
    id: 'getHistory',
    method: 'GET',
    path: '/api/v1/images/{image}/history',
    summary: 'Shows how an image was made.',
    answers: { 200: json('the steps, the first one first', listOf({ type: 'object' })) },
    handle: async ({ store }, { params }) => store.history(await imageIn(store, params)),
  },
  {
    id: 'getImageTar',
    method: 'GET',
    hasHead: true,
    path: '/api/v1/images/{image}/tar',
    summary: "Gives an image's tree as one tar, whether it is rendered or not.",
    answers: {
      200: { says: 'the tar', content: { 'application/x-tar': {} } },
      206: { says: 'a part of it', content: { 'application/x-tar': {} } },
    },
    handle: async (serving, request, reply) => {
      const key = await imageIn(serving.store, request.params);
      return sendTree(serving, key, request, reply);
    },
  },
];

/** The key of the image that a path means. A key, a digest or a name; never a path of this machine. */
export async function imageIn(store: Serving['store'], params: Record<string, string>): Promise<ImageSummary['key']> {
  return store.lookUp(params['image'] as string);
}

export async function sendTree(
  serving: Serving,
  key: ImageSummary['key'],
  request: ApiRequest,
  reply: Parameters<Route['handle']>[2],
): Promise<unknown> {
  const { treeId, size, open } = await serving.offer.tree(key);
  const headers = { 'content-disposition': `attachment; filename="${treeId.slice(0, 24)}.tar"` };
  return sendBytes(serving, request, reply, { size, type: 'application/x-tar', tag: treeId, headers, open });
}

async function listImages({ store }: Serving, request: ApiRequest): Promise<object> {
  const query = request.query as unknown as ListQuery;
  const { limit, after } = query;
  const own = ownFilter(query);
  const anyOf = [
    ...(Object.keys(own).length === 0 ? [] : [own]),
    ...(query.filter ?? []).map((text) => parseFilter(text, FILTER)),
  ];
  const images: ImageSummary[] = [];
  const selection = {
    anyOf,
    limit: limit + 1,
    ...(after === undefined ? {} : { after: after as ImageSummary['key'] }),
  };
  for await (const image of store.images(selection)) images.push(image);
  const isMore = images.length > limit;
  if (isMore) images.pop();
  return isMore ? { images, next: images.at(-1)?.key } : { images };
}

function ownFilter(query: ListQuery): Record<string, unknown> {
  const filter: Record<string, unknown> = {};
  for (const [parameter, field] of Object.entries(PARAMETERS) as [keyof typeof PARAMETERS, string][])
    if (query[parameter] !== undefined) filter[field] = query[parameter];
  if (query.label !== undefined) filter['labels'] = pairsIn(query.label);
  if (query.annotation !== undefined) filter['annotations'] = pairsIn(query.annotation);
  if (query.importedAfter !== undefined) filter['importedAfter'] = Date.parse(query.importedAfter);
  if (query.importedBefore !== undefined) filter['importedBefore'] = Date.parse(query.importedBefore);
  return filter;
}
