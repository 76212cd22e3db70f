/**
 * A route of the API: what it does, what it takes, what it answers. Routes are registered from these, and the OpenAPI
 * document is written from them, so that the two cannot differ.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Serving } from '../serving.js';

/** JSON Schema, as far as it is used here. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Answer {
  says: string;
  /** Media type → schema of the content. */
  content?: Readonly<Record<string, Schema>>;
}

export interface Route {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI writes it: `/api/v1/images/{image}`. */
  path: string;
  summary: string;
  /** Also answers HEAD. */
  hasHead?: true;
  query?: Readonly<Record<string, Schema>>;
  headers?: Readonly<Record<string, Schema>>;
  body?: Schema;
  /** Takes any bytes, as they come. */
  takesBytes?: true;
  answers: Readonly<Record<number, Answer>>;
  handle: (serving: Serving, request: ApiRequest, reply: FastifyReply) => Promise<unknown>;
}

export interface ApiRequest extends FastifyRequest {
  params: Record<string, string>;
  query: Record<string, unknown>;
}

export const TEXT: Schema = { type: 'string' };
/** A text in a query: neither endless nor with characters that no name has. */
export const WORD: Schema = { type: 'string', minLength: 1, maxLength: 4096 };
export const WORDS: Schema = { type: 'array', items: WORD, maxItems: 1000 };
export const FLAG: Schema = { type: 'boolean' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const TIME: Schema = { type: 'string', format: 'date-time' };
export const KEY: Schema = { type: 'string', pattern: '^sha512-[0-9a-f]{128}$' };

export const listOf = (items: Schema): Schema => ({ type: 'array', items });
export const recordOf = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
export const json = (says: string, schema: Schema): Answer => ({ says, content: { 'application/json': schema } });
export const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
