/** Sends a request to a registry with the credentials that it asks for. */
import type { Access, Authorizer } from './auth/registry-auth.js';
import { discard, type HttpRequest, type HttpResponse } from './http.js';
import { statusError } from './http-error.js';

/**
 * Answers a challenge once: a token may have run out, or was not known to be needed.
 * @throws CairnError `ERR_UNAUTHORIZED`, and as the request does
 */
export async function sendAuthorized(
  request: HttpRequest,
  access: Access,
  auth: Authorizer | undefined,
): Promise<HttpResponse> {
  const { http, signal } = access;
  const accept = request.accept ?? [200];
  const send = (authorization: string | undefined): Promise<HttpResponse> =>
    http.request({
      signal,
      ...request,
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      accept: [...accept, 401],
    });
  let authorization = await auth?.authorize(access);
  let response = await send(authorization);
  const challenge = response.headers['www-authenticate'];
  // A stream that was sent cannot be sent again. An upload begins with a small request, which gets the token.
  const mayRetry = request.body === undefined || request.body instanceof Uint8Array;
  if (response.status === 401 && challenge !== undefined && auth !== undefined && mayRetry) {
    discard(response);
    authorization = await auth.authorize(access, { challenge, authorization });
    if (authorization !== undefined) response = await send(authorization);
  }
  if (response.status !== 401) return response;
  discard(response);
  throw auth === undefined ? statusError(401, response.url) : await auth.refusal(access);
}
