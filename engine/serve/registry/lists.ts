/** Lists of tags, of repositories, and of what refers to a manifest. */
import type { FastifyReply } from 'fastify';
import { HttpError } from '../http/errors.js';
import type { Serving } from '../serving.js';
import type { Asked, Page } from './asked.js';

/** More than this are given on several pages, which clients follow. */
const LARGEST_PAGE = 10_000;
const INDEX = 'application/vnd.oci.image.index.v1+json';

export async function sendTags(
  { offer }: Serving,
  { name, ns, page }: Extract<Asked, { kind: 'tags' }>,
  reply: FastifyReply,
): Promise<unknown> {
  const tags = offer.tags({ name, ns });
  if (tags === undefined) throw unknownName(name);
  const { last } = page;
  const behind = last === undefined ? tags : tags.filter((tag) => tag > last);
  const query = ns === undefined ? {} : { ns };
  const { items, link } = pageOf(behind, page, `/v2/${name}/tags/list`, query);
  if (link !== undefined) reply.header('link', link);
  return { name, tags: items };
}

export async function sendCatalogue(
  { offer }: Serving,
  { page }: Extract<Asked, { kind: 'catalogue' }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { items, link } = pageOf(offer.repositories(page.last), page, '/v2/_catalog', {});
  if (link !== undefined) reply.header('link', link);
  return { repositories: items };
}

/** @returns a page, and where the next one is, if there is one */
function pageOf(
  all: Iterable<string>,
  { n }: Page,
  path: string,
  query: Readonly<Record<string, string>>,
): { items: string[]; link?: string } {
  const most = Math.min(n ?? LARGEST_PAGE, LARGEST_PAGE);
  const items: string[] = [];
  if (most === 0) return { items };
  for (const item of all) {
    if (items.length === most) {
      const next = new URLSearchParams({ ...query, n: `${most}`, last: items.at(-1) as string });
      return { items, link: `<${path}?${next}>; rel="next"` };
    }
    items.push(item);
  }
  return { items };
}

export async function sendReferrers(
  { offer }: Serving,
  { name, ns, digest, artifactType }: Extract<Asked, { kind: 'referrers' }>,
  reply: FastifyReply,
): Promise<unknown> {
  // A registry without the repository has no referrers either, and says so as one that has it: 404 means that a client
  // must look elsewhere.
  const all = (await offer.referrers({ name, ns }, digest)) ?? [];
  const manifests = artifactType === undefined ? all : all.filter((each) => each.artifactType === artifactType);
  if (artifactType !== undefined) reply.header('oci-filters-applied', 'artifactType');
  return reply.type(INDEX).send(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests })));
}

function unknownName(name: string): HttpError {
  return new HttpError(404, 'NAME_UNKNOWN', `there is no repository ${name}`);
}
