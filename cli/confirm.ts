/** Asks a person, and only a person. */
import { createInterface } from 'node:readline/promises';
import { CairnError } from '../engine/core/errors.js';

/** @throws CairnError `ERR_USAGE` where nobody can answer */
export function mustBeTerminal(): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw new CairnError('ERR_USAGE', 'there is no terminal to ask on; --yes does without the question');
}

/** Asks a question that is answered with yes or no. @throws CairnError `ERR_ABORTED` for any answer but yes */
export async function mustConfirm(question: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const abort = new AbortController();
  // Ctrl-C, and the end of input, are answers, too.
  terminal.on('SIGINT', () => abort.abort()).on('close', () => abort.abort());
  let answer = '';
  try {
    answer = await terminal.question(`${question} [yes/no] `, { signal: abort.signal });
  } catch {
    process.stderr.write('\n');
  } finally {
    terminal.close();
  }
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw new CairnError('ERR_ABORTED', 'cancelled; nothing was changed');
}
