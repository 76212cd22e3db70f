/** Serves the page: the whole, its content alone, its style and its script. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Serving } from '../serving.js';
import { contentOf } from './content.js';
import { type Html, html } from './html.js';
import { SCRIPT } from './script.js';
import { PageStates } from './state.js';
import { STYLE } from './style.js';

/** Nothing but what this server gives, and nothing that stands in the page itself. */
const POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'",
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ');

/** Three stones. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#6b6f76"><rect x="1" y="11" width="14" height="4" rx="2"/>' +
  '<rect x="3" y="6" width="10" height="4" rx="2"/><rect x="5" y="1" width="6" height="4" rx="2"/></svg>';

export function registerPage(app: FastifyInstance, serving: Serving): void {
  const states = new PageStates(serving);
  app.get('/', async (_request, reply) => {
    const state = await states.now();
    return send(reply, 'text/html', document(serving, state.dir, contentOf(state)).text);
  });
  app.get('/page/content', async (_request, reply) => send(reply, 'text/html', contentOf(await states.now()).text));
  app.get('/page/style.css', async (_request, reply) => send(reply, 'text/css', STYLE));
  app.get('/page/icon.svg', async (_request, reply) => send(reply, 'image/svg+xml', ICON));
  app.get('/page/script.js', async (_request, reply) => send(reply, 'text/javascript', SCRIPT));
}

function send(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.header('content-security-policy', POLICY).type(`${type}; charset=utf-8`).send(text);
}

function document({ mayWrite }: Serving, dir: string, content: Html): Html {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cairn: ${dir}</title>
<link rel="icon" href="/page/icon.svg">
<link rel="stylesheet" href="/page/style.css">
<script src="/page/script.js" defer></script>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><h1>cairn</h1><code>${dir}</code><span class="quiet">requests ${mayWrite ? 'may change it' : 'only read'}</span>
<span class="quiet" id="state" role="status">as of now; reload for news</span></header>
<main id="content" tabindex="-1">${content}</main>
<footer><a href="/api/v1/openapi.json">API</a> &middot; <a href="/metrics">metrics</a> &middot; <a href="/v2/_catalog">repositories</a></footer>
</body>
</html>
`;
}
