/** `cairn import`: takes images in. */
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import type { OperationOptions } from '../../engine/core/operation.js';
import { printable } from '../../engine/core/printable.js';
import type { Imported, ImportFailure } from '../../engine/import/import.js';
import { imagesBelow } from '../../engine/import/source/sources.js';
import { STDIN, splitReference } from '../../engine/resolve/source-path.js';
import { examples } from '../help.js';
import { EXIT, explain } from '../report.js';
import { type Prepare, type Session, withStore } from '../session.js';
import { shortKey } from '../table.js';
import { formatMs, formatSize, parseCount } from '../units.js';

interface Options {
  recursive?: boolean;
  filesFrom?: string;
  name?: string;
  latest?: boolean;
  expect?: string;
  keepArchive?: boolean;
  platform?: string;
  layer?: boolean;
  jobs?: number;
  keepGoing?: boolean;
  stream?: boolean;
}

export function define(command: Command): void {
  command
    .argument(
      '[source...]',
      'archives, OCI layouts (PATH:REF picks one image), directories with --recursive, or - for standard input',
    )
    .option('-r, --recursive', 'take every image below a directory, and of a source that holds several')
    .option('-T, --files-from <file>', 'more sources, one a line (- for standard input)')
    .option('--name <name>', 'name an OCI image (an ACI is named by its manifest)')
    .option('--platform <os/arch>', 'the platform it must be for (default: of an index, that of this machine)')
    .option('--layer', "take one layer's tar for an image of its own")
    .option('--keep-archive', 'keep the compressed archives, so that exports have the same digests')
    .option('--latest', 'mark as the latest of its name')
    .option('--expect <key>', 'the key or digest it must have')
    .option('-j, --jobs <n>', 'sources read side by side (default: one more than workers)', parseCount)
    .option('-k, --keep-going', 'go on after a source failed; the exit code is still 1')
    .option('--stream', 'with --json: a line for each image as it comes, not an array at the end')
    .action(importSources);
  examples(command, [
    'cairn import base.aci app.aci',
    'curl -s https://example.com/app.aci | cairn import -',
    'cairn import --recursive --keep-going /srv/images',
    "find /srv -name '*.aci' | cairn import --files-from -",
    'cairn import --expect sha512-3f1c app.aci',
    'cairn import ./layout:v2 --name example.com/app:2.0',
    'docker save app:2.0 | cairn import -',
    'cairn import --layer rootfs.tar.zst --name base',
  ]);
}

function importSources(sources: string[], given: Options, command: Command): Promise<void> {
  const listed = given.filesFrom === undefined ? sources : [...sources, ...readList(given.filesFrom, sources)];
  if (listed.length === 0)
    throw new CairnError('ERR_USAGE', "missing required argument 'source', and no list of any (--files-from)");
  const work = async (session: Session<Options>): Promise<number> => {
    const { store, options, running } = session;
    const { recursive, latest, expect, jobs, keepGoing, name, keepArchive, platform, layer } = options;
    const paths = recursive === true ? listed.flatMap(expand) : listed;
    for (const flag of ['name', 'expect'] as const) {
      if (options[flag] !== undefined && paths.length !== 1)
        throw new CairnError('ERR_USAGE', `--${flag} goes with one source`);
    }
    const teller = new Teller(session);
    try {
      const results = await store.importAll(paths, {
        ...running,
        ...defined({ onProgress: ofMany(running.onProgress, paths.length, () => teller.count) }),
        onResult: teller.add,
        ...defined({ recursive, latest, expect, jobs, keepGoing, name, keepArchive, platform, layer }),
      });
      await teller.end(results);
      return results.some((result) => 'error' in result) ? EXIT.failed : EXIT.done;
    } catch (error) {
      // What is in stays in, so it is told, whatever became of the rest.
      await teller.giveUp();
      throw error;
    }
  };
  const prepare: Prepare = async (opening) => {
    // A store is made for content, not for a mistyped path.
    if (given.keepGoing !== true && listed.every(isNowhere)) throw nowhere(listed[0] as string);
    return { ...opening, startWorkers: true };
  };
  return withStore<Options>(command, 'create', work, prepare);
}

function isNowhere(source: string): boolean {
  return source !== STDIN && !fs.existsSync(splitReference(source).path);
}

function nowhere(path: string): CairnError {
  return new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path });
}

type OnProgress = NonNullable<OperationOptions['onProgress']>;

/**
 * Of many sources nobody knows the bytes before the last has been opened. Until then, the sources that are done say how
 * far it is.
 */
function ofMany(onProgress: OnProgress | undefined, total: number, done: () => number): OnProgress | undefined {
  if (onProgress === undefined || total < 2) return onProgress;
  return (progress) => {
    if (progress.total !== undefined) onProgress(progress);
    else onProgress({ what: progress.what, unit: 'items', done: Math.min(done(), total), total });
  };
}

/** Reads a list of sources, one a line. Empty lines are no sources. Standard input is a list or an image, not both. */
function readList(file: string, sources: readonly string[]): string[] {
  if (file === STDIN && sources.includes(STDIN))
    throw new CairnError('ERR_USAGE', 'standard input cannot be both an image and the list of files');
  if (file !== STDIN && !fs.existsSync(file))
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${file}`, { path: file });
  return fs
    .readFileSync(file === STDIN ? 0 : file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function expand(source: string): string[] {
  return source === STDIN ? [source] : imagesBelow(source);
}

type Result = Imported | ImportFailure;

/** Tells of images as they come in. As JSON they come as lines, or else as one array at the end. */
class Teller {
  readonly #session: Session<Options>;
  readonly #results: Result[] = [];
  #told = Promise.resolve();

  constructor(session: Session<Options>) {
    this.#session = session;
  }

  get count(): number {
    return this.#results.length;
  }

  readonly add = (result: Result): void => {
    this.#results.push(result);
    const { json, stream } = this.#session.options;
    if (json === true && stream !== true) return;
    const text = json === true ? `${JSON.stringify(result)}\n` : line(result);
    // A reader that is gone is told of when the work is done: the work itself is for the store.
    this.#told = this.#told.then(() => this.#session.tell(text));
    this.#told.catch(() => {});
    if ('error' in result || json === true) return;
    if (result.names.length === 0)
      this.#session.say(
        `${shortKey(result.key)} has no name, so gc takes it once it is unused; "cairn tag" gives it one`,
      );
    for (const { name, from } of result.moved ?? []) this.#session.say(`${name} meant ${shortKey(from)} before`);
  };

  /** @param results in the order of the sources */
  async end(results: readonly Result[]): Promise<void> {
    await this.#told;
    const { json, stream } = this.#session.options;
    if (json === true && stream !== true) await this.#session.tell(`${JSON.stringify(results)}\n`);
  }

  async giveUp(): Promise<void> {
    if (this.#results.length > 0) await this.end(this.#results).catch(() => {});
  }
}

function line(result: Result): string {
  if ('error' in result) {
    process.stderr.write(`cairn: ${explain(result.error)}\n`);
    return '';
  }
  const { key, names, size, objects, existed, ms } = result;
  const what = existed
    ? hereAlready(result)
    : `${formatSize(size)}, ${objects.new} new objects (${formatSize(objects.newBytes)}), ${objects.shared} shared, ${formatMs(ms)}`;
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
