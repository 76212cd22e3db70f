/** What a conversion cannot say, so that nothing is lost without a word. */
import { MAX_NOTICES } from '../../../core/limits.js';
import type { JsonValue } from '../../json.js';
import type { JsonField } from '../../json-field.js';

/** A part of a document that the converted one does not have. */
export interface Notice {
  /** The document, and the path in it. */
  entry: string;
  message: string;
}

const NO_WORD = 'a pod manifest has no word for it';

export class Untold {
  readonly #notices: Notice[] = [];
  #more = 0;

  tell(field: JsonField, message: string = NO_WORD): void {
    if (this.#notices.length < MAX_NOTICES) this.#notices.push({ entry: field.place, message });
    else this.#more++;
  }

  /**
   * Tells of all fields of an object but those that the caller has converted. Values that say nothing are passed over.
   * @param reasons by field, where there is more to say than that there is no word for it
   */
  rest(object: JsonField, converted: readonly string[], reasons: Readonly<Record<string, string>> = {}): void {
    if (object.absent) return;
    for (const key of Object.keys(object.object())) {
      const field = object.exactField(key);
      if (converted.includes(key) || saysNothing(field.value)) continue;
      this.tell(field, Object.hasOwn(reasons, key) ? reasons[key] : NO_WORD);
    }
  }

  /** All notices, in the order in which they were told. */
  all(document: string): Notice[] {
    if (this.#more === 0) return this.#notices;
    return [...this.#notices, { entry: document, message: `${this.#more} more that cannot be said` }];
  }
}

function saysNothing(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
