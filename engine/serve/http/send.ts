/** Sends bytes: all of them, a part, or none to whoever has them or asks for their size only. */

import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Serving } from '../serving.js';
import { HttpError } from './errors.js';
import { hasTag, parseRange, type Range } from './range.js';
import { tellTrouble } from './trouble.js';

export interface Sendable {
  size: number;
  type: string;
  /** Names the bytes: others have another. */
  tag: string;
  headers?: Readonly<Record<string, string>>;
  open: (range: Range | undefined) => Promise<Readable | Buffer>;
}

export async function sendBytes(
  serving: Serving,
  request: FastifyRequest,
  reply: FastifyReply,
  { size, type, tag, headers = {}, open }: Sendable,
): Promise<FastifyReply> {
  const quoted = `"${tag}"`;
  reply.headers({ 'accept-ranges': 'bytes', etag: quoted, ...headers });
  if (hasTag(one(request.headers['if-none-match']), quoted)) return reply.code(304).send();
  reply.header('content-type', type);
  if (request.method === 'HEAD') return reply.code(200).header('content-length', size).send();
  const range = rangeFor(request, size, quoted);
  const { start, end } = range ?? { start: 0, end: size };
  const body = await open(range);
  if (!Buffer.isBuffer(body)) body.once('error', (error) => tellTrouble(serving, request, error));
  reply.header('content-length', end - start);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
  return reply.send(body);
}

function rangeFor({ headers }: FastifyRequest, size: number, quoted: string): Range | undefined {
  const condition = one(headers['if-range']);
  if (condition !== undefined && condition.trim() !== quoted) return undefined;
  const range = parseRange(headers.range, size);
  if (range !== 'unsatisfiable') return range;
  throw new HttpError(416, 'ERR_USAGE', `the range has none of the ${size} bytes`, {
    'content-range': `bytes */${size}`,
  });
}

/** A header that may stand there once. */
export function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
