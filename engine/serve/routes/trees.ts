/** Rendered trees: listed, looked at, sent as tars. */
import { CairnError } from '../../core/errors.js';
import type { ImageSummary, Serving } from '../serving.js';
import { LIMIT, sendTree } from './images.js';
import { type ApiRequest, json, listOf, named, type Route, recordOf, TEXT, WORD } from './route.js';

const TREE_ID = /^deps-sha512-[0-9a-f]{2,128}$/;

export const TREES: readonly Route[] = [
  {
    id: 'listTrees',
    method: 'GET',
    path: '/api/v1/trees',
    summary: 'Lists rendered trees in order of their ids.',
    query: {
      limit: LIMIT,
      after: { type: 'string', pattern: TREE_ID.source, description: 'the `next` of the page before' },
      image: { ...WORD, description: 'trees of this image' },
    },
    answers: { 200: json('a page', recordOf({ trees: listOf(named('Tree')), next: TEXT }, ['next'])) },
    handle: listTrees,
  },
  {
    id: 'inspectTree',
    method: 'GET',
    path: '/api/v1/trees/{tree}',
    summary: 'Shows one tree.',
    answers: { 200: json('the tree', named('Tree')) },
    handle: async ({ store }, { params }) => {
      const tree = await store.findTree(treeIn(params));
      return shown({ ...tree, path: store.treePath(tree.id) });
    },
  },
  {
    id: 'getTreeTar',
    method: 'GET',
    hasHead: true,
    path: '/api/v1/trees/{tree}/tar',
    summary: 'Gives a tree as one tar.',
    answers: {
      200: { says: 'the tar', content: { 'application/x-tar': {} } },
      206: { says: 'a part of it', content: { 'application/x-tar': {} } },
    },
    handle: async (serving, request, reply) => {
      const { id, images } = await serving.store.findTree(treeIn(request.params));
      const [image] = images;
      if (image === undefined) throw new CairnError('ERR_NOT_FOUND', `the image of tree ${id} is gone`);
      return sendTree(serving, image, request, reply);
    },
  },
];

/** Only ids: what looks like anything else could mean a path. */
export function treeIn(params: Record<string, string>): string {
  const id = (params['tree'] as string).toLowerCase();
  if (TREE_ID.test(id)) return id;
  throw new CairnError('ERR_KEY_SYNTAX', `not the id of a tree: ${JSON.stringify(id).slice(0, 80)}`);
}

async function listTrees({ store }: Serving, { query }: ApiRequest): Promise<object> {
  const { limit, after, image } = query as { limit: number; after?: string; image?: string };
  const trees: ReturnType<typeof shown>[] = [];
  const of: { image?: ImageSummary['key'] } = image === undefined ? {} : { image: await store.lookUp(image) };
  const from = after === undefined ? {} : { after };
  for await (const tree of store.trees({ limit: limit + 1, ...from, ...of })) trees.push(shown(tree));
  if (trees.length <= limit) return { trees };
  trees.pop();
  return { trees, next: trees.at(-1)?.treeId };
}

type StoredTree = NonNullable<Awaited<ReturnType<ReturnType<Serving['store']['trees']>['next']>>['value']>;

function shown({ id, images, path, hash, files, bytes, uniqueBytes, mode, renderedAt, lastUsed }: StoredTree) {
  return {
    ...{ treeId: id, images, path, hash, files, bytes, uniqueBytes, mode },
    renderedAt: new Date(renderedAt).toISOString(),
    lastUsed: new Date(lastUsed).toISOString(),
  };
}
