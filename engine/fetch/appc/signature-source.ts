/** Where the signatures of an ACI are: in a file, or at a URL that may not have them before the image. */
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { MAX_SIGNATURE_FILE } from '../../core/limits.js';
import { readSmallFile } from '../../disk/small-file.js';
import { discard, type HttpClient } from '../../remote/http.js';
import { pause, pauseBefore, retryAfter } from '../../remote/retry.js';
import { shownUrl } from '../../remote/shown-url.js';

export interface SignatureSource {
  /** What can be had before the image is. @throws CairnError `ERR_NO_SIGNATURE`, and as a request does */
  early(): Promise<Buffer | undefined>;
  /** All, once the image is here. @throws CairnError as {@link early} does */
  late(): Promise<Buffer>;
}

const HELP = '--insecure-options image takes it unsigned';

export function signatureInFile(path: string): SignatureSource {
  const read = async (): Promise<Buffer> => {
    const bytes = readSmallFile(path, MAX_SIGNATURE_FILE);
    if (bytes === undefined) throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path });
    return bytes;
  };
  return { early: read, late: read };
}

export interface Trying {
  signal?: AbortSignal | undefined;
  /** Further tries after failures that pass, if fewer than usual. */
  retries?: number | undefined;
}

/**
 * Signatures at a URL. A server that signs on demand answers 202: it is asked again when the image is here, and as long
 * as it says when to ask again.
 */
export function signatureAt(http: HttpClient, url: URL, trying: Trying): SignatureSource {
  let bytes: Buffer | undefined;
  /** When to ask again; undefined if the server does not say. */
  let after: number | undefined;
  const ask = async (): Promise<Buffer | undefined> => {
    const response = await requestOr404(http, url, trying);
    if (response.status === 200) return response.bytes(MAX_SIGNATURE_FILE);
    discard(response);
    const asked = retryAfter(response.headers['retry-after']);
    after = asked === undefined ? undefined : performance.now() + asked;
    return undefined;
  };
  return {
    early: async () => {
      bytes ??= await ask();
      return bytes;
    },
    late: async () => {
      for (let asked = 0; bytes === undefined && (asked === 0 || after !== undefined); asked++) {
        const wait = after === undefined ? 0 : pauseBefore(asked, http.retry, Math.max(0, after - performance.now()));
        if (wait === undefined) break;
        if (wait > 0) await pause(wait, trying.signal);
        bytes = await ask();
      }
      if (bytes !== undefined) return bytes;
      throw new CairnError('ERR_NO_SIGNATURE', `${shownUrl(url)} is not ready yet; ask later, or ${HELP}`);
    },
  };
}

async function requestOr404(http: HttpClient, url: URL, { signal, retries }: Trying) {
  try {
    return await http.request({ url, signal, accept: [200, 202], ...defined({ retries }) });
  } catch (error) {
    if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
    const why = `${error.message}: there is no signature there; ${HELP}`;
    throw new CairnError('ERR_NO_SIGNATURE', why, { cause: error });
  }
}

/** Where an ACI's signatures lie unless somebody says otherwise: `app.aci.asc` beside `app.aci`. */
export function signatureBeside(url: URL): URL {
  const beside = new URL(url);
  beside.pathname = `${url.pathname}.asc`;
  return beside;
}
