/** Text as roff, the language of manual pages, reads it. */

const LETTERS: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '"': '\\(dq',
  '^': '\\(ha',
  '~': '\\(ti',
  '…': '...',
};

/** Letters stand for themselves, also at the beginning of a line, where a dot would be a request. */
export function roff(text: string): string {
  const escaped = text.replace(/[\\\-'`"^~]|[^\x00-\x7f]/gu, (letter) => LETTERS[letter] ?? unicode(letter));
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

function unicode(letter: string): string {
  const code = (letter.codePointAt(0) as number).toString(16).toUpperCase();
  return `\\[u${code.padStart(4, '0')}]`;
}

export function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${roff(text)}\\fR`;
}

/** A section, unless there is nothing to say in it. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title.toUpperCase()}`, ...lines];
}

/** Entries of a list: what is told of, and what is told. */
export function entries(list: readonly (readonly [term: string, text: string])[]): string[] {
  return list.flatMap(([term, text]) => ['.TP', term, text === '' ? '\\&' : text]);
}
