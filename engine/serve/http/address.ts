/** Where a server listens: `HOST:PORT` or `unix:PATH`. */
import { isIP } from 'node:net';
import { CairnError } from '../../core/errors.js';

export const DEFAULT_LISTEN = '127.0.0.1:15441';

export type Address = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string };

/** Longer paths do not fit a socket's address (`sun_path`). */
const LONGEST_SOCKET_PATH = 107;

/** @throws CairnError `ERR_USAGE` */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '' || path.includes('\0') || Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
      throw notAnAddress(text, `the path of a socket has 1 to ${LONGEST_SOCKET_PATH} bytes`);
    return { kind: 'unix', path };
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6))
    throw notAnAddress(text, 'must be HOST:PORT, [ADDRESS]:PORT or unix:PATH');
  return { kind: 'tcp', host, port };
}

function notAnAddress(text: string, why: string): CairnError {
  return new CairnError('ERR_USAGE', `not an address to listen at: ${JSON.stringify(text)}: ${why}`);
}

/** Whether only this machine can reach the address. A name may mean any machine, but `localhost`. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase();
  if (plain === 'localhost' || plain === '::1') return true;
  return isIP(plain) === 4 && plain.startsWith('127.');
}

/** As a URL has it. */
export function urlOf(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `http://${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}
