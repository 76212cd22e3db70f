/** What a server wants before it answers: the `WWW-Authenticate` of RFC 9110 §11.6.1. Pure. */

export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  scheme: string;
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>;
}

const SEPARATORS = /[\s,]*/y;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
/** What some schemes have in place of parameters. It ends with the challenge. */
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;

/** Reads a header, which may hold several challenges. What cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at += match[0].length;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const name = take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return found;
    if (take(EQUALS) === null) {
      found.push({ scheme: name, parameters: new Map() });
      take(TOKEN68);
      continue;
    }
    const value = take(QUOTED)?.[1]?.replace(/\\(.)/gs, '$1') ?? take(TOKEN)?.[0];
    const parameters = found.at(-1)?.parameters;
    if (value === undefined || parameters === undefined) return found;
    if (!parameters.has(name)) parameters.set(name, value);
  }
}
