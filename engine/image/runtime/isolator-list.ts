/** Looks up isolators by name, each value with its place for errors. */
import type { Isolator } from '../aci/isolators.js';
import type { JsonField } from '../json-field.js';
import type { FieldAt } from './app-field.js';

export interface NamedValue {
  name: string;
  value: JsonField;
}

export class IsolatorList {
  readonly #all: readonly NamedValue[];

  /** @param path to the list, such as `app.isolators` */
  constructor(isolators: readonly Isolator[], at: FieldAt, path: string) {
    this.#all = isolators.map(({ name, value }, i) => ({ name, value: at(`${path}[${i}].value`, value) }));
  }

  get names(): string[] {
    return [...new Set(this.#all.map(({ name }) => name))];
  }

  /** In their order. */
  all(...names: string[]): NamedValue[] {
    return this.#all.filter(({ name }) => names.includes(name));
  }

  /** Of several isolators of one kind the last counts. */
  last(name: string): JsonField | undefined {
    return this.all(name).at(-1)?.value;
  }
}
