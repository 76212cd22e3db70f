/** Options that are given several times. Commander does not know of them: their parsers add to what came before. */

type Parser<T> = (text: string, before?: T) => T;

const REPEATED = new WeakSet<object>();

/** Marks the parser of an option that is given several times, so that a file may have a list for it. */
export function repeated<T>(parser: Parser<T>): Parser<T> {
  REPEATED.add(parser);
  return parser;
}

export function isRepeated(parser: object | undefined): boolean {
  return parser !== undefined && REPEATED.has(parser);
}
