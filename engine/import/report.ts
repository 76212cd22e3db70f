/** Tells the caller of an import what became of each source. */
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { withoutSecrets } from '../core/without-secrets.js';
import type { ImportOptions } from './options.js';
import type { Imported, ImportFailure } from './result.js';

/** What an import that goes on after failures reports of one. @throws the error itself, with its source, for others */
export function reported(source: string, thrown: unknown, { keepGoing, onResult }: ImportOptions): ImportFailure {
  const error = toCairnError(thrown, source);
  if (!isCairnError(error)) throw error;
  const details = { ...error.toJSON(), path: error.path ?? source, cause: error };
  const named = new CairnError(error.code, error.message, details);
  if (keepGoing !== true || error.code === 'ERR_ABORTED') throw named;
  const failure = { source: withoutSecrets(source), error: named };
  onResult?.(failure);
  return failure;
}

/** Tells the caller of an image that is in. */
export function heard(imported: Imported, { onResult }: ImportOptions): Imported {
  onResult?.(imported);
  return imported;
}
