/** Reports errors, as text for people and as JSON for programs. */
import { CairnError, isCairnError } from '../engine/core/errors.js';
import { printable } from '../engine/core/printable.js';
import { withoutSecrets } from '../engine/core/without-secrets.js';

export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, damage: 4, interrupted: 130 } as const;

export function exitCodeOf(error: unknown): number {
  if (!isCairnError(error)) return EXIT.failed;
  switch (error.code) {
    case 'ERR_USAGE':
      return EXIT.usage;
    case 'ERR_NOT_FOUND':
      return EXIT.notFound;
    case 'ERR_ABORTED':
      return EXIT.interrupted;
    default:
      return EXIT.failed;
  }
}

/** An error on one line: path, entry and message. A path or entry that the message has is not repeated. */
export function explain(error: CairnError): string {
  const { message, entry, path } = error;
  // Before the first entry of an archive there is none to name.
  const where = entry !== undefined && entry !== '' && !mentions(message, entry) ? `${entry}: ` : '';
  const file = path !== undefined && !mentions(message, path) ? `${path}: ` : '';
  return printable(`${file}${where}${message}`);
}

/** Whether a message has a name as a word of its own: `lay` is not in "layers". */
function mentions(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0 && name !== ''; at = message.indexOf(name, at + 1)) {
    const around = [message[at - 1], message[at + name.length]];
    if (around.every((letter) => letter === undefined || !/[\w-]/.test(letter))) return true;
  }
  return false;
}

/** Codes whose candidates are spelled alike. Those of others are told in the message. */
const SUGGESTING: ReadonlySet<string> = new Set(['ERR_NOT_FOUND', 'ERR_USAGE', 'ERR_CONFIG']);

/** What may have been meant, on a line of its own. */
function suggestion({ code, candidates = [] }: CairnError): string {
  if (candidates.length === 0 || !SUGGESTING.has(code)) return '';
  return `Did you mean ${candidates.map(printable).join(' or ')}?\n`;
}

export function reportError(error: unknown, json: boolean, verbose: boolean): void {
  const known = isCairnError(error) ? error : unexpected(error);
  if (json) {
    const { code, message, path, entry, expected, found, candidates, errno } = known;
    const shown = { code, message, path, entry, expected, found, candidates, errno };
    process.stderr.write(`${JSON.stringify({ error: shown })}\n`);
  } else {
    process.stderr.write(`cairn: ${explain(known)}\n${suggestion(known)}`);
    if (!isCairnError(error) && !verbose) {
      process.stderr.write('This is a defect of cairn; with --verbose it tells where.\n');
    }
  }
  if (verbose) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      process.stderr.write(`${`${cause.stack}`.split('\n').map(shown).join('\n')}\n`);
  }
}

/** The system's own errors repeat what they were given. */
function shown(line: string): string {
  return printable(withoutSecrets(line));
}

/** An error that no code was made for, which is a defect of cairn. */
function unexpected(error: unknown): CairnError {
  return new CairnError('ERR_IO', error instanceof Error ? error.message : String(error));
}
