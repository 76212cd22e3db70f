/** Tells of images as they come in, by whatever command. */
import { printable } from '../engine/core/printable.js';
import type { Imported, ImportFailure } from '../engine/import/import.js';
import { explain } from './report.js';
import type { Session } from './session.js';
import { shortKey } from './table.js';
import { formatMs, formatSize } from './units.js';

type Result = Imported | ImportFailure;

/** As JSON, results come as lines, or else as one array at the end. */
export class Teller<R extends Result> {
  readonly #session: Session<{ stream?: boolean }>;
  readonly #line: (result: R) => string;
  readonly #notices: (result: R) => string[];
  readonly #results: R[] = [];
  #told = Promise.resolve();

  constructor(session: Session<{ stream?: boolean }>, line: (result: R) => string, notices: (result: R) => string[]) {
    this.#session = session;
    this.#line = line;
    this.#notices = notices;
  }

  get count(): number {
    return this.#results.length;
  }

  readonly add = (result: R): void => {
    this.#results.push(result);
    const { json, stream } = this.#session.options;
    if (json === true && stream !== true) return;
    const text = json === true ? `${JSON.stringify(result)}\n` : this.#line(result);
    // A reader that is gone is told of when the work is done: the work itself is for the store.
    this.#told = this.#told.then(() => this.#session.tell(text));
    this.#told.catch(() => {});
    if (json !== true) for (const notice of this.#notices(result)) this.#session.say(notice);
  };

  /** @param results in the order of the sources */
  async end(results: readonly R[]): Promise<void> {
    await this.#told;
    const { json, stream } = this.#session.options;
    if (json === true && stream !== true) await this.#session.tell(`${JSON.stringify(results)}\n`);
  }

  async giveUp(): Promise<void> {
    if (this.#results.length > 0) await this.end(this.#results).catch(() => {});
  }
}

/** What people should know of an image that came in, besides that it did. */
export function noticesOfImport(result: Result): string[] {
  if ('error' in result) return [];
  const { key, names, moved = [] } = result;
  const isNameless = names.length === 0;
  const nameless = `${shortKey(key)} has no name, so gc takes it once it is unused; "cairn tag" gives it one`;
  return [
    ...(isNameless ? [nameless] : []),
    ...moved.map(({ name, from }) => `${name} meant ${shortKey(from)} before`),
  ];
}

export function lineOfImport(result: Result): string {
  if ('error' in result) {
    process.stderr.write(`cairn: ${explain(result.error)}\n`);
    return '';
  }
  return lineOf(result, []);
}

/** @param more what else is told behind the sizes */
export function lineOf(result: Imported, more: readonly string[]): string {
  const { key, names, size, objects, existed, ms } = result;
  const fresh = [
    formatSize(size),
    `${objects.new} new objects (${formatSize(objects.newBytes)})`,
    `${objects.shared} shared`,
    ...more,
    formatMs(ms),
  ];
  const what = existed ? [hereAlready(result), ...more].join(', ') : fresh.join(', ');
  return `${printable(`${shortKey(key)}  ${titleOf(result, names)}  ${what}`)}\n`;
}

function hereAlready({ healed, archivesKept, names, added = [], ms }: Imported): string {
  const also = names.length > added.length ? 'also ' : '';
  return [
    healed ? `was damaged and is whole again, ${formatMs(ms)}` : 'was here already',
    ...(archivesKept ? ['its archives are kept now'] : []),
    ...(added.length > 0 ? [`${also}called ${added.join(', ')} now`] : []),
  ].join('; ');
}

/** The name that the import gave, with its version. */
function titleOf({ name, labels }: Imported, names: readonly string[]): string {
  if (name === '') return names[0] ?? '(no name)';
  return labels['version'] === undefined ? name : `${name}:${labels['version']}`;
}
