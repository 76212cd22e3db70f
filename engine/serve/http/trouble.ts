/** Tells whoever runs the server of damage and defects that requests meet. Clients learn less. */
import type { FastifyRequest } from 'fastify';
import { isCairnError } from '../../core/errors.js';
import type { Serving } from '../serving.js';
import { failureOf } from './errors.js';

/** An error may be met twice: by the stream that broke, and by the answer that it was to be. */
const told = new WeakSet<object>();

export function tellTrouble({ metrics, notice }: Serving, { method, url }: FastifyRequest, error: unknown): void {
  if (typeof error !== 'object' || error === null || told.has(error) || !failureOf(error).isOurs) return;
  told.add(error);
  if (isCairnError(error, 'ERR_DAMAGED')) metrics.damage++;
  const why = isCairnError(error) ? error.message : ((error as Error).stack ?? `${error}`);
  notice(`${method} ${url.slice(0, 200)}: ${why}`);
}
