/**
 * The pull API of registries (OCI distribution spec, pull and content discovery): what skopeo, podman, containerd,
 * other stores and engines that spread images among machines ask.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpError, REGISTRY } from '../http/errors.js';
import { sendBytes } from '../http/send.js';
import type { Serving } from '../serving.js';
import { type Asked, parseAsked } from './asked.js';
import { sendCatalogue, sendReferrers, sendTags } from './lists.js';

/** Some clients look for it before they believe that this is a registry. */
const HEADERS = { 'docker-distribution-api-version': 'registry/2.0' };

export function registerRegistry(app: FastifyInstance, serving: Serving): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: `${REGISTRY}/*`,
    handler: async (request, reply) => answer(serving, request, reply.headers(HEADERS)),
  });
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: `${REGISTRY}/*`,
    // The body stays where it is: nothing of it is wanted.
    onRequest: async () => {
      throw new HttpError(405, 'UNSUPPORTED', 'images are only pulled from here', { allow: 'GET, HEAD' });
    },
    handler: async () => undefined,
  });
}

async function answer(serving: Serving, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const asked = parseAsked(request.url);
  if (asked.kind === 'base') return reply.type('application/json').send('{}');
  if (asked.kind === 'catalogue') return sendCatalogue(serving, asked, reply);
  if (asked.ns !== undefined) reply.header('oci-namespace', asked.ns);
  if (asked.kind === 'tags') return sendTags(serving, asked, reply);
  if (asked.kind === 'referrers') return sendReferrers(serving, asked, reply);
  return asked.kind === 'manifest'
    ? sendManifest(serving, asked, { request, reply })
    : sendBlob(serving, asked, { request, reply });
}

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
}

async function sendManifest(
  serving: Serving,
  { name, ns, reference }: Extract<Asked, { kind: 'manifest' }>,
  { request, reply }: Exchange,
): Promise<unknown> {
  const { offer } = serving;
  const manifest = await offer.manifest({ name, ns }, reference);
  if (manifest === undefined) throw unknown(offer, { name, ns }, 'MANIFEST_UNKNOWN', reference);
  const { digest, mediaType, bytes } = manifest;
  return sendBytes(serving, request, reply, {
    ...{ size: bytes.length, type: mediaType, tag: digest },
    headers: { 'docker-content-digest': digest },
    open: async (range) => bytes.subarray(range?.start, range?.end),
  });
}

async function sendBlob(
  serving: Serving,
  { name, ns, digest }: Extract<Asked, { kind: 'blob' }>,
  { request, reply }: Exchange,
): Promise<unknown> {
  const { offer, running } = serving;
  const blob = await offer.blob({ name, ns }, digest);
  if (blob === undefined) throw unknown(offer, { name, ns }, 'BLOB_UNKNOWN', digest);
  return sendBytes(serving, request, reply, {
    ...{ size: blob.size, type: 'application/octet-stream', tag: digest },
    headers: { 'docker-content-digest': digest },
    open: async (range) => {
      const bytes = await blob.open(range);
      const { onProgress, end } = running.begin('sending', `${name} ${digest.slice(0, 19)}`);
      const total = range === undefined ? blob.size : range.end - range.start;
      let done = 0;
      bytes.on('data', (chunk: Buffer) => {
        done += chunk.length;
        onProgress({ what: 'sending', unit: 'bytes', done, total });
      });
      bytes.pause();
      bytes.on('close', end);
      return bytes;
    },
  });
}

/** Clients tell a repository that is not there from a tag that it lacks. */
function unknown(
  offer: Serving['offer'],
  asked: { name: string; ns: string | undefined },
  code: string,
  what: string,
): HttpError {
  if (offer.tags(asked) === undefined)
    return new HttpError(404, 'NAME_UNKNOWN', `there is no repository ${asked.name}`);
  return new HttpError(404, code, `${asked.name} has no ${what}`);
}
