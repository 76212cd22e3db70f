/** The error for a file of settings or credentials that breaks a rule. */
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';

/** @param what must not repeat what a secret could be */
export function damaged(path: string, what: string, entry?: string): CairnError {
  return new CairnError('ERR_CONFIG', `${path}: ${what}`, { path, ...defined({ entry }) });
}
