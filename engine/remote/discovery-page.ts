/** Reads what a page tells of images (appc spec, discovery): its `ac-discovery` and `ac-discovery-pubkeys` tags. */
import { Parser } from 'htmlparser2';

/** Speaks for the names that begin with its prefix. */
export interface DiscoveryTag {
  prefix: string;
  /** A template of URLs of images and signatures, or the URL of keys. */
  target: string;
}

export interface DiscoveryPage {
  images: DiscoveryTag[];
  keys: DiscoveryTag[];
}

/** What may stand in a page's head. Any other element begins the body, as in browsers. */
const IN_HEAD = new Set(['html', 'head', 'title', 'meta', 'link', 'base', 'style', 'script', 'noscript']);

/** Tags count in the head only: in the body may stand what other people wrote. */
export function readDiscoveryPage(html: string): DiscoveryPage {
  const page: DiscoveryPage = { images: [], keys: [] };
  let inHead = true;
  const parser = new Parser({
    onopentag: (name, attributes) => {
      if (!IN_HEAD.has(name)) inHead = false;
      if (!inHead || name !== 'meta') return;
      const tag = readContent(attributes['content'] ?? '');
      if (tag === undefined) return;
      if (attributes['name'] === 'ac-discovery') page.images.push(tag);
      if (attributes['name'] === 'ac-discovery-pubkeys') page.keys.push(tag);
    },
    onclosetag: (name) => {
      if (name === 'head') inHead = false;
    },
  });
  parser.end(html);
  return page;
}

/** `PREFIX TARGET`. */
function readContent(content: string): DiscoveryTag | undefined {
  const [prefix, target, ...more] = content.trim().split(/\s+/);
  if (prefix === undefined || target === undefined || more.length > 0) return undefined;
  return { prefix: prefix.replace(/\/+$/, ''), target };
}

/**
 * Whether a tag speaks for a name: by whole components, so that `example.com/app` says nothing of `example.com/apple`.
 */
export function speaksFor({ prefix }: DiscoveryTag, name: string): boolean {
  return name === prefix || name.startsWith(`${prefix}/`);
}
