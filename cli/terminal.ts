/** What goes to a terminal and what does not. */
import { CairnError } from '../engine/core/errors.js';

/** @throws CairnError `ERR_USAGE` for bytes that would spoil the terminal */
export function refuseTerminal(file: string): void {
  if (file !== '-' || !process.stdout.isTTY) return;
  throw new CairnError('ERR_USAGE', 'standard output is a terminal; redirect it, or name a file');
}
