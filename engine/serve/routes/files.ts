/** Files of images, without rendering: listed, looked at, sent. */
import { Readable } from 'node:stream';
import { CairnError } from '../../core/errors.js';
import { sendBytes } from '../http/send.js';
import type { Serving } from '../serving.js';
import { imageIn, LIMIT } from './images.js';
import { type ApiRequest, json, named, type Route, WORD } from './route.js';

const PATH = { ...WORD, description: 'a path in the image; symlinks are followed inside of it' };

export const FILES: readonly Route[] = [
  {
    id: 'listFiles',
    method: 'GET',
    path: '/api/v1/images/{image}/files',
    summary: 'Lists what a render would make, in byte order of paths: all, or what is at and below a path.',
    query: { path: PATH, after: { ...WORD, description: 'the path that was listed last' }, limit: LIMIT },
    answers: { 200: { says: 'a record on each line', content: { 'application/x-ndjson': named('File') } } },
    handle: listFiles,
  },
  {
    id: 'statFile',
    method: 'GET',
    path: '/api/v1/images/{image}/stat',
    summary: 'Shows what a path leads to.',
    query: { path: PATH },
    answers: { 200: json('the record', named('File')) },
    handle: async ({ store }, { params, query }) => store.stat(await imageIn(store, params), pathIn(query)),
  },
  {
    id: 'getFile',
    method: 'GET',
    hasHead: true,
    path: '/api/v1/images/{image}/file',
    summary: 'Gives the bytes of one file.',
    query: { path: PATH },
    answers: {
      200: { says: 'the bytes, checked on the way', content: { 'application/octet-stream': {} } },
      206: { says: 'a part of them', content: { 'application/octet-stream': {} } },
    },
    handle: sendFile,
  },
];

function pathIn(query: Record<string, unknown>): string {
  const path = (query as { path?: string }).path;
  if (path === undefined) throw new CairnError('ERR_USAGE', 'a path is wanted');
  return path;
}

async function listFiles({ store }: Serving, { params, query }: ApiRequest, reply: Parameters<Route['handle']>[2]) {
  const { path, after, limit } = query as { path?: string; after?: string; limit: number };
  const key = await imageIn(store, params);
  const files = store.files(key, path);
  // The first record tells whether there is anything, while the status can still say so.
  const first = await files.next();
  async function* lines(): AsyncGenerator<string> {
    let left = limit;
    let isBehind = after === undefined;
    for (let { done, value } = first; done !== true && left > 0; { done, value } = await files.next()) {
      if (value === undefined) return;
      if (isBehind) {
        left--;
        yield `${JSON.stringify(value)}\n`;
      } else isBehind = value.path === after;
    }
  }
  return reply.type('application/x-ndjson').send(Readable.from(lines()));
}

async function sendFile(serving: Serving, request: ApiRequest, reply: Parameters<Route['handle']>[2]) {
  const { store } = serving;
  const path = pathIn(request.query);
  const key = await imageIn(store, request.params);
  const { type, size, key: tag } = await store.stat(key, path);
  if (type !== 'file' || tag === undefined) throw new CairnError('ERR_NOT_FOUND', `${path} is a ${type}, not a file`);
  return sendBytes(serving, request, reply, {
    ...{ size, tag, type: 'application/octet-stream' },
    // What images hold is shown by no browser as a page of this server.
    headers: { 'content-disposition': 'attachment' },
    open: (range) => store.read(key, path, range),
  });
}
