/** Checks what callers pass whose compiler did not: wrong options are errors of the caller, told like all others. */
import { CairnError } from './errors.js';

/** What an option may be. A list holds the texts that there are; `anyOf` them may be given together. */
export type OptionKind =
  | ('text' | 'path' | 'texts' | 'list' | 'flag' | 'number' | 'function' | 'signal' | 'object' | 'objects')
  | readonly string[]
  | { anyOf: readonly string[] };

/** What each field of some options may be. All may be absent. */
export type OptionKinds<O> = Readonly<Record<keyof O, OptionKind>>;

/** @throws CairnError `ERR_USAGE` */
export function mustBe(name: string, value: unknown, kind: OptionKind): void {
  if (typeof kind === 'object') {
    const [all, given, words] = 'anyOf' in kind ? [kind.anyOf, value, 'a list of'] : [kind, [value], 'one of'];
    if (Array.isArray(given) && given.every((each) => all.includes(each))) return;
    throw wrong(name, `${words} ${all.join(', ')}`, value);
  }
  const [fits, words] = TESTS[kind];
  if (!fits(value)) throw wrong(name, words, value);
}

/** @throws CairnError `ERR_USAGE` for a field of the wrong kind, or one that there is not */
export function checkOptions<O extends object>(options: O, kinds: OptionKinds<O>): void {
  mustBe('options', options, 'object');
  for (const [name, value] of Object.entries(options)) {
    const kind = (kinds as Readonly<Record<string, OptionKind>>)[name];
    if (kind === undefined) throw new CairnError('ERR_USAGE', `there is no option ${JSON.stringify(name)}`);
    if (value !== undefined) mustBe(name, value, kind);
  }
}

type Test = readonly [fits: (value: unknown) => boolean, words: string];

const TESTS: Readonly<Record<Extract<OptionKind, string>, Test>> = {
  text: [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'],
  path: [
    (value) => (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0,
    'a text or bytes, not empty',
  ],
  texts: [(value) => Array.isArray(value) && value.every((each) => typeof each === 'string'), 'a list of texts'],
  list: [Array.isArray, 'a list'],
  flag: [(value) => typeof value === 'boolean', 'true or false'],
  number: [(value) => typeof value === 'number' && !Number.isNaN(value), 'a number'],
  function: [(value) => typeof value === 'function', 'a function'],
  signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
  object: [isObject, 'an object'],
  objects: [(value) => Array.isArray(value) && value.every(isObject), 'a list of objects'],
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(name: string, wanted: string, value: unknown): CairnError {
  const given = typeof value === 'object' || typeof value === 'function' ? typeof value : JSON.stringify(value);
  return new CairnError('ERR_USAGE', `${name} must be ${wanted}, not ${value === null ? 'null' : given}`);
}
