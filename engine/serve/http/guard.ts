/**
 * Who is let in, before anything of a request is looked at: whoever has a token, where tokens are wanted. A server that
 * only this machine can reach must also not be reached by pages of other servers in a browser on this machine: neither
 * by a name that they turn to this machine (DNS rebinding), nor by requests that they make browsers send.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Address } from './address.js';
import { isLoopback } from './address.js';
import { HttpError } from './errors.js';
import type { Tokens } from './tokens.js';

/** Answered to everybody: it says only that the server is up. */
export const HEALTH = '/healthz';

const CHALLENGE = { 'www-authenticate': 'Basic realm="cairn", charset="UTF-8"' };

export class Guard {
  readonly #address: Address;
  readonly #tokens: Tokens | undefined;

  constructor(address: Address, tokens: Tokens | undefined) {
    this.#address = address;
    this.#tokens = tokens;
  }

  /** @throws HttpError 401, 403, 421 */
  check({ headers, method = 'GET', url = '/' }: IncomingMessage): void {
    this.#checkHost(headers.host);
    refuseOtherSites(headers, method);
    if (this.#tokens === undefined || url === HEALTH) return;
    if (!this.#tokens.accepts(headers.authorization))
      throw new HttpError(401, 'ERR_UNAUTHORIZED', 'a token is wanted, or another one', CHALLENGE);
  }

  #checkHost(host: string | undefined): void {
    if (this.#address.kind === 'unix' || !isLoopback(this.#address.host)) return;
    const name = nameIn(host ?? '');
    if (name !== undefined && (isLoopback(name) || name === this.#address.host)) return;
    throw new HttpError(421, 'ERR_USAGE', 'this server answers to the names of this machine alone');
  }
}

/** The name in a `Host` header, without its port. */
function nameIn(host: string): string | undefined {
  return /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?$/.exec(host)?.slice(1).find(Boolean);
}

/** Browsers say where a request comes from. Following a link is fine; whatever else comes from elsewhere is not. */
function refuseOtherSites(headers: IncomingHttpHeaders, method: string): void {
  const site = headers['sec-fetch-site'];
  const isRead = method === 'GET' || method === 'HEAD';
  const isLink = isRead && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none' && !isLink;
  const { origin, host = '' } = headers;
  const isFromElsewhere = origin !== undefined && originHost(origin) !== host.toLowerCase();
  if (isForeign || isFromElsewhere)
    throw new HttpError(403, 'ERR_USAGE', 'pages of other servers may ask nothing here');
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host.toLowerCase();
  } catch {
    return undefined;
  }
}
