/** What changes the store. These routes are only there when the server was told that requests may. */

import { pipeline, type Readable, Transform } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { LARGEST_UPLOAD, MOST_UPLOADS } from '../http/connections.js';
import { HttpError } from '../http/errors.js';
import type { Serving } from '../serving.js';
import { imageIn } from './images.js';
import { type ApiRequest, COUNT, FLAG, json, listOf, named, type Route, recordOf, WORD, WORDS } from './route.js';
import { treeIn } from './trees.js';

const NAME = recordOf({ name: WORD });

export const CHANGES: readonly Route[] = [
  {
    id: 'importImage',
    method: 'POST',
    path: '/api/v1/images',
    summary: 'Takes an image in: an ACI, or an archive of an OCI layout or of docker, in any compression.',
    takesBytes: true,
    query: {
      name: { ...WORD, description: 'names an OCI image' },
      expect: { ...WORD, description: 'a key or digest that it must have' },
      platform: WORD,
      latest: FLAG,
      keepArchive: FLAG,
    },
    answers: { 200: json('it was here', named('Imported')), 201: json('it came', named('Imported')) },
    handle: importImage,
  },
  {
    id: 'removeImage',
    method: 'DELETE',
    path: '/api/v1/images/{image}',
    summary: 'Takes a name away, and the image with its last one; a key or digest means the image with all names.',
    query: { force: FLAG, all: FLAG },
    answers: { 200: json('what went', listOf(named('Removed'))) },
    handle: async ({ store, cutOff }, { params, query }) => {
      const { force, all } = query as { force?: boolean; all?: boolean };
      // Found first: what is no image here could be taken for a path.
      await imageIn(store, params);
      return store.rm([params['image'] as string], { signal: cutOff, ...defined({ force, all }) });
    },
  },
  {
    id: 'tagImage',
    method: 'POST',
    path: '/api/v1/images/{image}/names',
    summary: 'Gives an image one more name, `NAME[:TAG]`, which leaves the image that had it.',
    body: NAME,
    answers: { 200: json('the image', named('Image')) },
    handle: async ({ store }, { params, body }) =>
      store.tag(await imageIn(store, params), (body as { name: string }).name),
  },
  {
    id: 'untagImage',
    method: 'DELETE',
    path: '/api/v1/names',
    summary: 'Takes names away. An image without a name stays until gc.',
    query: { name: WORDS },
    answers: { 200: json('the images', listOf(named('Image'))) },
    handle: async ({ store }, { query }) => {
      const names = namesIn(query);
      // Found first: what is no name here could be taken for a path.
      for (const name of names) await store.lookUp(name);
      return store.untag(names);
    },
  },
  {
    id: 'pinImage',
    method: 'PUT',
    path: '/api/v1/images/{image}/pin',
    summary: 'Keeps an image from being collected.',
    answers: { 200: json('the image', named('Image')) },
    handle: async ({ store }, { params }) => store.pin(await imageIn(store, params)),
  },
  {
    id: 'unpinImage',
    method: 'DELETE',
    path: '/api/v1/images/{image}/pin',
    summary: 'Takes a pin away.',
    answers: { 200: json('the image', named('Image')) },
    handle: async ({ store }, { params }) => store.unpin(await imageIn(store, params)),
  },
  {
    id: 'renderImage',
    method: 'POST',
    path: '/api/v1/images/{image}/trees',
    summary: "Makes an image's tree, or finds it.",
    body: recordOf({ mode: { enum: ['mount', 'link', 'reflink', 'copy'] }, rebuild: FLAG }, ['mode', 'rebuild']),
    answers: { 200: json('it was here', named('Rendered')), 201: json('it was made', named('Rendered')) },
    handle: renderImage,
  },
  {
    id: 'removeTree',
    method: 'DELETE',
    path: '/api/v1/trees/{tree}',
    summary: 'Removes a tree.',
    query: { force: FLAG },
    answers: { 200: json('it went', recordOf({ treeId: WORD })) },
    handle: async ({ store, cutOff }, { params, query }) => {
      const { force } = query as { force?: boolean };
      const tree = await store.findTree(treeIn(params));
      await store.removeTrees([tree], { signal: cutOff, ...defined({ force }) });
      return { treeId: tree.id };
    },
  },
  {
    id: 'collect',
    method: 'POST',
    path: '/api/v1/gc',
    summary: 'Collects what nobody needs.',
    body: recordOf(
      { graceMs: COUNT, images: FLAG, keepLast: { type: 'integer', minimum: 1 }, keepStorage: COUNT, dryRun: FLAG },
      ['graceMs', 'images', 'keepLast', 'keepStorage', 'dryRun'],
    ),
    answers: { 200: json('what went, or would go', named('Collected')) },
    handle: async ({ store, running, cutOff }, { body }) =>
      running.during('collecting', 'the store', (onProgress) =>
        store.gc({ ...(body as object | null), signal: cutOff, onProgress }),
      ),
  },
];

function namesIn(query: Record<string, unknown>): string[] {
  const { name } = query as { name?: string[] };
  if (name === undefined || name.length === 0) throw new CairnError('ERR_USAGE', 'a name is wanted');
  return name;
}

const IMPORTING = 'importing';

async function importImage({ store, running, metrics, cutOff }: Serving, request: ApiRequest, reply: FastifyReply) {
  if (running.list().filter(({ what }) => what === IMPORTING).length >= MOST_UPLOADS)
    throw new HttpError(503, 'ERR_LIMIT', `${MOST_UPLOADS} uploads at a time`, { 'retry-after': '10' });
  const { name, expect, platform, latest, keepArchive } = request.query as {
    name?: string;
    expect?: string;
    platform?: string;
    latest?: boolean;
    keepArchive?: boolean;
  };
  const gone = new AbortController();
  request.raw.once('close', () => {
    if (!request.raw.complete) gone.abort();
  });
  const counted = counting(request.body as Readable, (bytes) => {
    metrics.receivedBytes += bytes;
  });
  const imported = await running.during(IMPORTING, name ?? 'an upload', (onProgress) =>
    store.import(counted, {
      ...{ signal: AbortSignal.any([gone.signal, cutOff]), onProgress },
      ...defined({ name, expect, platform, latest, keepArchive }),
    }),
  );
  return reply.code(imported.existed ? 200 : 201).send(imported);
}

function counting(body: Readable, count: (bytes: number) => void): Readable {
  let total = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      total += chunk.length;
      count(chunk.length);
      if (total <= LARGEST_UPLOAD) next(null, chunk);
      else next(new CairnError('ERR_LIMIT', `an upload has at most ${LARGEST_UPLOAD} bytes`));
    },
  });
  // Errors are those of the stream that the import reads.
  return pipeline(body, counter, () => {}) as unknown as Readable;
}

async function renderImage({ store, running, cutOff }: Serving, { params, body }: ApiRequest, reply: FastifyReply) {
  const key = await imageIn(store, params);
  const { mode, rebuild } = (body ?? {}) as { mode?: 'mount' | 'link' | 'reflink' | 'copy'; rebuild?: boolean };
  const rendered = await running.during('rendering', params['image'] as string, (onProgress) =>
    store.render(key, { pull: 'never', signal: cutOff, onProgress, ...defined({ mode, rebuild }) }),
  );
  return reply.code(rendered.existed ? 200 : 201).send(rendered);
}
