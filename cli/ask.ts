/** Asks a person for a name or a password, and takes one from standard input. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { aborted, CairnError } from '../engine/core/errors.js';

/** Bytes of a password from standard input. Tokens that stand for one have some thousand. */
const LONGEST = 64 * 1024;

/**
 * Asks one question on the terminal.
 * @param isHidden what is typed does not show
 * @throws CairnError `ERR_ABORTED` for Ctrl-C and the end of input
 */
export async function ask(question: string, isHidden = false): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // The terminal's own echo is off while the interface is there.
  const lines = createInterface({ input: process.stdin, output: isHidden ? nowhere : process.stderr, terminal: true });
  if (isHidden) process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (): void => reject(aborted());
      lines.on('SIGINT', stop).on('close', stop);
      if (isHidden) lines.on('line', resolve);
      else lines.question(question, resolve);
    });
  } finally {
    lines.close();
    if (isHidden) process.stderr.write('\n');
  }
}

/** All of standard input, without the end of its line. @throws CairnError `ERR_USAGE` for what is no password */
export async function readPassword(): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > LONGEST) throw new CairnError('ERR_USAGE', `standard input has more than ${LONGEST} bytes`);
  }
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, '');
}

/** @throws CairnError `ERR_USAGE` where nobody can answer */
export function mustHaveTerminal(help: string): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw new CairnError('ERR_USAGE', `there is no terminal to ask on; ${help}`);
}
