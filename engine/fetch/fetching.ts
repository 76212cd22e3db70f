/** What all fetches of a run share. */
import type { Imported, ImportRequest, OpenableSource } from '../import/index.js';
import { HttpClient } from '../remote/http.js';
import type { Authorizer } from '../remote/registry.js';
import type { StoreContext } from '../session/context.js';
import type { FetchOptions } from './options.js';
import { Registries } from './registries.js';

/** Imports one source, as the store does all imports. */
export type ImportSource = (source: OpenableSource, request: ImportRequest) => Promise<Imported>;

export interface Fetching {
  store: StoreContext;
  importSource: ImportSource;
  http: HttpClient;
  registries: Registries;
  auth: Authorizer | undefined;
}

const USER_AGENT = 'cairn';

/** Runs fetches with connections of their own. */
export async function duringFetch<T>(
  store: StoreContext,
  importSource: ImportSource,
  { insecure = [] }: Pick<FetchOptions, 'insecure'>,
  work: (fetching: Fetching) => Promise<T>,
): Promise<T> {
  const plainHttp = insecure.includes('http');
  const http = new HttpClient({ userAgent: USER_AGENT, plainHttp, anyCertificate: insecure.includes('tls') });
  try {
    return await work({ store, importSource, http, registries: new Registries(http, plainHttp), auth: undefined });
  } finally {
    await http.close();
  }
}
