/** Parses JSON that strangers wrote, more strictly than `JSON.parse`. */
import { CairnError } from '../core/errors.js';
import { BYTES_PER_JSON_OBJECT, type Limits, limitFlag, MAX_JSON_DEPTH } from '../core/limits.js';
import { quoted } from '../core/printable.js';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/**
 * Parses a JSON document. Beyond the grammar it insists on valid UTF-8, a bounded size, depth and number of objects, no
 * `__proto__` key however it is spelled, no half of a surrogate pair, which no UTF-8 text can hold, and no key twice in
 * one object: readers differ in which of the two they take.
 *
 * @param entry the document's name in errors, such as `manifest`
 * @throws CairnError `ERR_BAD_ARCHIVE` for size, encoding, depth, number and `__proto__`; `ERR_BAD_MANIFEST` with line
 *   and column for everything else
 */
export function parseJson(bytes: Uint8Array, entry: string, limits: Pick<Limits, 'maxManifest'>): JsonValue {
  if (bytes.byteLength > limits.maxManifest) {
    const most = `the ${limits.maxManifest} that ${limitFlag('maxManifest')} allows`;
    throw hostile(`${entry} has ${bytes.byteLength} bytes, more than ${most}`, entry);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw hostile(`${entry} is not valid UTF-8`, entry, cause);
  }
  new Scanner(text, entry, limits.maxManifest / BYTES_PER_JSON_OBJECT).scan();
  return JSON.parse(text) as JsonValue;
}

function hostile(message: string, entry: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', message, { entry, cause });
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
const LOW_SURROGATE = /\\u[dD][c-fC-F][0-9a-fA-F]{2}/y;

/** One strict pass over the text that builds nothing. It recurses no deeper than `MAX_JSON_DEPTH`. */
class Scanner {
  readonly #text: string;
  readonly #entry: string;
  readonly #most: number;
  #at = 0;
  #entered = 0;

  constructor(text: string, entry: string, most: number) {
    this.#text = text;
    this.#entry = entry;
    this.#most = most;
  }

  scan(): void {
    this.#value(0);
    if (this.#peek() !== '') throw this.#unexpected('the end of the document');
  }

  #value(depth: number): void {
    const start = this.#peek();
    if (start === '{') this.#object(depth + 1);
    else if (start === '[') this.#list(depth + 1);
    else if (start === '"') this.#string();
    else if (!this.#number() && !['true', 'false', 'null'].some((word) => this.#word(word))) {
      throw this.#unexpected('a value');
    }
  }

  #object(depth: number): void {
    this.#enter(depth);
    if (this.#take('}')) return;
    const keys = new Set<string>();
    do {
      if (this.#peek() !== '"') throw this.#unexpected('a key in double quotes');
      const start = this.#at;
      const key = this.#string();
      if (key === '__proto__') throw hostile(`${this.#entry} has a __proto__ key${this.#where(start)}`, this.#entry);
      if (keys.has(key)) throw this.#fault(`duplicate key ${quoted(key)}`, start);
      keys.add(key);
      this.#expect(':');
      this.#value(depth);
    } while (this.#take(','));
    this.#expect('}');
  }

  #list(depth: number): void {
    this.#enter(depth);
    if (this.#take(']')) return;
    do this.#value(depth);
    while (this.#take(','));
    this.#expect(']');
  }

  #enter(depth: number): void {
    if (++this.#entered > this.#most) throw this.#tooMany();
    if (depth > MAX_JSON_DEPTH) {
      const where = this.#where(this.#at);
      throw hostile(`${this.#entry} is nested deeper than ${MAX_JSON_DEPTH} levels${where}`, this.#entry);
    }
    this.#at++;
  }

  #tooMany(): CairnError {
    const most = Math.floor(this.#most);
    return hostile(`${this.#entry} has more than ${most} objects and lists (${limitFlag('maxManifest')})`, this.#entry);
  }

  /** Passes over a string. @returns its value */
  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (code === 0x5c) {
        escaped = true;
        this.#escape();
      } else if (code >= 0x20) this.#at++;
      else throw this.#unexpected('the end of the string');
    }
    const raw = this.#text.slice(start, ++this.#at);
    return escaped ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  }

  #escape(): void {
    const start = this.#at++;
    const letter = this.#text.charAt(this.#at);
    if (letter === '' || !'"\\/bfnrtu'.includes(letter)) throw this.#fault('bad escape in a string', start);
    this.#at++;
    if (letter !== 'u') return;
    const digits = this.#match(HEX4);
    if (digits === undefined) throw this.#fault('bad escape in a string', start);
    const kind = Number.parseInt(digits, 16) & 0xfc00;
    if (kind === 0xdc00 || (kind === 0xd800 && this.#match(LOW_SURROGATE) === undefined)) {
      throw this.#fault('half of a surrogate pair in a string', start);
    }
  }

  #number(): boolean {
    return this.#match(NUMBER) !== undefined;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** The next character that is not white space, or '' at the end. It is not taken. */
  #peek(): string {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.#text.charAt(this.#at);
      this.#at++;
    }
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw this.#unexpected(`"${char}"`);
  }

  #unexpected(wanted: string): CairnError {
    const found = this.#at < this.#text.length ? quoted(this.#text.charAt(this.#at)) : 'the end of the document';
    return this.#fault(`${found} where ${wanted} should be`, this.#at);
  }

  #fault(problem: string, at: number): CairnError {
    const message = `${this.#entry} is not valid JSON: ${problem}${this.#where(at)}`;
    return new CairnError('ERR_BAD_MANIFEST', message, { entry: this.#entry });
  }

  #where(at: number): string {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    return ` at line ${line}, column ${at - before.lastIndexOf('\n')}`;
  }
}
