/** The options and the result of a fetch. */
import type { CairnError } from '../core/errors.js';
import type { PullPolicy } from '../core/finding.js';
import type { Imported, ImportOptions } from '../import/index.js';
import type { ToldSignature } from '../index/signature.js';

export interface FetchOptions
  extends Pick<
    ImportOptions,
    'signal' | 'onProgress' | 'jobs' | 'keepGoing' | 'keepArchive' | 'latest' | 'name' | 'expect' | 'platform'
  > {
  /** `always` by default. */
  pull?: PullPolicy;
  /** Checks that are left out. */
  insecure?: readonly Insecure[];
  /** A file with credentials that is asked before all others, in place of podman's own. */
  authfile?: string;
  /** Hears of each image when it is in, and with `keepGoing` of each failure, in no particular order. */
  onResult?: (result: Fetched | FetchFailure) => void;
}

/** What may be left out: signatures, certificates, encryption of the way. */
export const INSECURE = ['image', 'tls', 'http'] as const;
export type Insecure = (typeof INSECURE)[number];

export interface Fetched extends Imported {
  /** As the caller named it. */
  ref: string;
  /** Where it came from; `null` if nobody was asked. */
  url: string | null;
  /** Bytes of archives that came over the network. */
  downloadedBytes: number;
  /** Bytes of archives that an earlier attempt had left here. */
  resumedBytes: number;
  /** The signature that was verified; null if none had to be. Of an image that was here, the last one. */
  signature: ToldSignature | null;
}

export interface FetchFailure {
  source: string;
  ref: string;
  error: CairnError;
}
