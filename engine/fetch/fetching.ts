/** What all fetches of a run share. */
import { Semaphore } from '../core/concurrency.js';
import { tellLeftOut } from '../core/finding.js';
import type { Imported, ImportRequest, OpenableSource } from '../import/index.js';
import { RegistryAuth } from '../remote/auth/registry-auth.js';
import { Credentials } from '../remote/credentials/credentials.js';
import type { HttpClient } from '../remote/http.js';
import type { RetryPolicy } from '../remote/retry.js';
import type { StoreContext } from '../session/context.js';
import { Clients } from './clients.js';
import { FetchMeter } from './fetch-meter.js';
import { ImagePolicy } from './image-policy.js';
import type { FetchOptions, Insecure } from './options.js';
import { Registries } from './registries.js';

/** Imports one source, as the store does all imports. A text is a path. */
export type ImportSource = (source: string | OpenableSource, request: ImportRequest) => Promise<Imported>;

export interface Fetching {
  store: StoreContext;
  importSource: ImportSource;
  http: HttpClient;
  clients: Clients;
  registries: Registries;
  policy: ImagePolicy;
  /** Checks that are left out. */
  insecure: readonly Insecure[];
  /** For downloads of ACIs. */
  slots: Semaphore;
  meter: FetchMeter;
}

export interface ConnectOptions extends Pick<FetchOptions, 'insecure' | 'authfile' | 'onProgress'> {
  /** How to try again after failures that pass. */
  retry?: Partial<RetryPolicy>;
}

/** Runs fetches with connections of their own. */
export async function duringFetch<T>(
  store: StoreContext,
  importSource: ImportSource,
  { insecure = [], authfile, onProgress, retry }: ConnectOptions,
  work: (fetching: Fetching) => Promise<T>,
): Promise<T> {
  tellLeftOut(insecure, store.notice);
  const credentials = new Credentials({ authfile, onWarning: store.notice });
  const clients = new Clients(insecure, credentials, retry);
  const registries = new Registries(clients, new RegistryAuth(credentials));
  const policy = new ImagePolicy(insecure);
  try {
    const shared = { clients, registries, policy, insecure, slots: new Semaphore(), meter: new FetchMeter(onProgress) };
    return await work({ store, importSource, http: clients.http, ...shared });
  } finally {
    await clients.close();
  }
}
