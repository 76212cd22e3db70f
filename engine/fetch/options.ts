/** The options and the result of a fetch. */
import type { CairnError } from '../core/errors.js';
import type { FindOptions } from '../core/finding.js';
import type { Imported, ImportOptions } from '../import/index.js';
import type { ToldSignature } from '../index/signature.js';

export type { Insecure } from '../core/finding.js';

/** `pull` is `always` by default. */
export interface FetchOptions
  extends FindOptions,
    Pick<ImportOptions, 'signal' | 'onProgress' | 'jobs' | 'keepGoing' | 'keepArchive' | 'latest' | 'name' | 'expect'> {
  /** The file with the signatures of an ACI, in place of what lies beside it. For one image only. */
  signature?: string;
  /** Fetch what ACIs depend on, too, unless it is here. True by default. */
  dependencies?: boolean;
  /** Hears of each image when it is in, and with `keepGoing` of each failure, in no particular order. */
  onResult?: (result: Fetched | FetchFailure) => void;
}

export interface Fetched extends Imported {
  /** As the caller named it. */
  ref: string;
  /** Where it came from; `null` for a file, and if nobody was asked. */
  url: string | null;
  /** Bytes of archives that came over the network. */
  downloadedBytes: number;
  /** Bytes of archives that an earlier attempt had left here. */
  resumedBytes: number;
  /** What was verified of the image, now or when it came; `null` if nothing was. */
  signature: ToldSignature | null;
  /** ACI: images that were fetched since it depends on them. Absent if there are none. */
  dependencies?: Fetched[];
}

export interface FetchFailure {
  source: string;
  ref: string;
  error: CairnError;
}
