/** Which proxy of the environment stands before a host: `https_proxy`, `http_proxy` and `no_proxy`, in either case. */
import { BlockList, isIP } from 'node:net';
import { CairnError } from '../core/errors.js';
import { isLoopback } from './loopback.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL. None stands before this machine itself: to a proxy, `localhost` would be the proxy.
 * @throws CairnError `ERR_CONFIG` for a variable that names no proxy
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isLoopback(url.hostname)) return undefined;
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const value = variable(name, env);
  if (value === '' || isExcepted(url, variable('no_proxy', env))) return undefined;
  const proxy = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(proxy) || !/^https?:$/.test(new URL(proxy).protocol)) {
    throw new CairnError('ERR_CONFIG', `the environment's ${name} is no proxy of HTTP: it must be http://HOST:PORT`);
  }
  return new URL(proxy);
}

function variable(name: string, env: Environment): string {
  return (env[name] ?? env[name.toUpperCase()] ?? '').trim();
}

function isExcepted(url: URL, list: string): boolean {
  const entries = list.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== '' && covers(entry, url));
}

/** An entry is `*`, an address, a block of addresses (`10.0.0.0/8`), or a domain with all below it; with or without port. */
function covers(entry: string, { hostname, port, protocol }: URL): boolean {
  if (entry === '*') return true;
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '');
  if (entry.includes('/')) return isInBlock(host, entry);
  const [, name = '', entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (entryPort !== undefined && entryPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  const domain = name.replace(/^\*?\./, '');
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isInBlock(host: string, entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  const version = isIP(host);
  const length = Number(bits);
  if (version === 0 || isIP(network) !== version || !(length >= 0 && length <= (version === 4 ? 32 : 128)))
    return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(network, length, family);
  return block.check(host, family);
}
