/** Reads fields of a JSON document by their type. Every fault names the path to the field. */
import { CairnError, type ErrorCode } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import { acIdentifierFault, acNameFault } from './aci/names.js';
import type { JsonObject, JsonValue } from './json.js';

/**
 * A key as Go folds it. Two characters beyond ASCII fold to ASCII letters: the long s, and the Kelvin sign, which
 * `toLowerCase` makes a k.
 */
function fold(key: string): string {
  return key.toLowerCase().replaceAll('ſ', 's');
}

/** The key by which an object has a field, whatever its case; the name itself if the object does not have it. */
export function spelledKey(object: JsonObject, name: string): string {
  if (Object.hasOwn(object, name)) return name;
  const wanted = fold(name);
  return Object.keys(object).find((key) => fold(key) === wanted) ?? name;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A position in a JSON document: its value and the path to it. Reading follows the reference implementation of appc: a
 * missing field and a null are the same, and read as the empty value of their type. Every method throws
 * `ERR_BAD_MANIFEST` when the value has another type.
 */
export class JsonField {
  readonly value: JsonValue | undefined;
  readonly #document: string;
  readonly #path: string;

  constructor(document: string, value: JsonValue | undefined, path = '') {
    this.#document = document;
    this.value = value;
    this.#path = path;
  }

  /** The document and the path in it, for errors. */
  get place(): string {
    return this.#path === '' ? this.#document : `${this.#document}: ${this.#path}`;
  }

  /** The error to throw when this field breaks a rule. */
  fault(rule: string, code: ErrorCode = 'ERR_BAD_MANIFEST'): CairnError {
    return new CairnError(code, rule, { entry: this.place });
  }

  /** Throws if there is a fault. For checks that return the rule that is broken. */
  refuse(fault: string | undefined): void {
    if (fault !== undefined) throw this.fault(fault);
  }

  get absent(): boolean {
    return this.value === undefined || this.value === null;
  }

  object(): JsonObject {
    if (!isObject(this.value)) throw this.fault('must be an object');
    return this.value;
  }

  /**
   * A field of this object. As in Go, the case of keys does not matter: real manifests and the spec's own example rely
   * on that. A key in the right case comes first; two in wrong cases are a duplicate.
   */
  field(name: string): JsonField {
    const object = this.object();
    const path = this.#path === '' ? name : `${this.#path}.${name}`;
    if (Object.hasOwn(object, name)) return new JsonField(this.#document, object[name], path);
    const wanted = fold(name);
    const keys = Object.keys(object).filter((key) => fold(key) === wanted);
    const field = new JsonField(this.#document, keys[0] === undefined ? undefined : object[keys[0]], path);
    if (keys.length > 1) throw field.fault(`duplicate key: ${keys.join(', ')}`);
    return field;
  }

  /** A field of this object by exactly this key, as in OCI documents. */
  exactField(name: string): JsonField {
    const object = this.object();
    const path = this.#path === '' ? name : `${this.#path}.${name}`;
    return new JsonField(this.#document, Object.hasOwn(object, name) ? object[name] : undefined, path);
  }

  /** A field of this object whose key is not one of a schema, but anything that a person chose. */
  keyed(key: string): JsonField {
    const object = this.object();
    const path = `${this.#path}[${quoted(key)}]`;
    return new JsonField(this.#document, Object.hasOwn(object, key) ? object[key] : undefined, path);
  }

  /** This field, or an empty object in place of an absent one. */
  orEmpty(): JsonField {
    return this.absent ? new JsonField(this.#document, {}, this.#path) : this;
  }

  #list(): JsonValue[] {
    if (this.absent) return [];
    if (!Array.isArray(this.value)) throw this.fault('must be a list');
    return this.value;
  }

  #item(value: JsonValue, index: number): JsonField {
    return new JsonField(this.#document, value, `${this.#path}[${index}]`);
  }

  /** The items of a list. A list of more than `most` items is refused. */
  items(most = Number.POSITIVE_INFINITY): JsonField[] {
    const list = this.#list();
    if (list.length > most) throw this.fault(`has ${list.length} items, more than ${most}`);
    return list.map((value, index) => this.#item(value, index));
  }

  text(): string {
    if (this.absent) return '';
    if (typeof this.value !== 'string') throw this.fault('must be a string');
    return this.value;
  }

  /** A list of strings. The list may be null, an item may not. */
  texts(): string[] {
    return this.#list().map((value, index) => {
      if (typeof value !== 'string') throw this.#item(value, index).fault('must be a string');
      return value;
    });
  }

  /** An object whose values are all strings. One of more than `most` is refused. */
  textMap(most = Number.POSITIVE_INFINITY): Record<string, string> {
    if (this.absent) return {};
    const entries = Object.entries(this.object());
    if (entries.length > most) throw this.fault(`has ${entries.length} entries, more than ${most}`);
    const wrong = entries.find(([, value]) => typeof value !== 'string');
    if (wrong !== undefined) throw this.keyed(wrong[0]).fault('must be a string');
    return Object.fromEntries(entries) as Record<string, string>;
  }

  flag(): boolean {
    if (this.absent) return false;
    if (typeof this.value !== 'boolean') throw this.fault('must be true or false');
    return this.value;
  }

  /** @param rule the message for a number outside of the range */
  integer(min: number, max: number, rule = `must be between ${min} and ${max}`): number {
    const value = this.value ?? 0;
    if (!Number.isInteger(value)) throw this.fault('must be a whole number');
    if ((value as number) < min || (value as number) > max) throw this.fault(rule);
    return value as number;
  }

  acName(): string {
    const name = this.text();
    this.refuse(acNameFault(name));
    return name;
  }

  acIdentifier(): string {
    const name = this.text();
    this.refuse(acIdentifierFault(name));
    return name;
  }
}
