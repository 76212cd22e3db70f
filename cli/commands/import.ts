/** `cairn import`: takes images in. */
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { printable } from '../../engine/core/printable.js';
import type { Imported, ImportFailure } from '../../engine/import/import.js';
import { imagesBelow } from '../../engine/import/source/sources.js';
import { STDIN } from '../../engine/resolve/source-path.js';
import { examples } from '../help.js';
import { EXIT, explain } from '../report.js';
import { type Session, withStore } from '../session.js';
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
}

export function define(command: Command): void {
  command
    .argument(
      '[source...]',
      'archives, OCI layouts (PATH:REF picks one image), directories with --recursive, or - for standard input',
    )
    .option('-r, --recursive', 'take every image below a directory')
    .option('-T, --files-from <file>', 'more sources, one a line (- for standard input)')
    .option('--name <name>', 'name an OCI image (an ACI is named by its manifest)')
    .option('--platform <os/arch>', 'which image of an index (default: as this machine)')
    .option('--layer', "take one layer's tar for an image of its own")
    .option('--keep-archive', 'keep the compressed archives, so that exports have the same digests')
    .option('--latest', 'mark as the latest of its name')
    .option('--expect <key>', 'the key or digest it must have')
    .option('-j, --jobs <n>', 'sources read side by side (default: one more than workers)', parseCount)
    .option('-k, --keep-going', 'go on after a source failed; the exit code is still 1')
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
  const work = async ({ store, options, running, print }: Session<Options>): Promise<number> => {
    const paths = options.recursive === true ? listed.flatMap(expand) : listed;
    for (const flag of ['name', 'expect'] as const) {
      if (options[flag] !== undefined && paths.length !== 1)
        throw new CairnError('ERR_USAGE', `--${flag} goes with one source`);
    }
    const { latest, expect, jobs, keepGoing, name, keepArchive, platform, layer } = options;
    const results = await store.importAll(paths, {
      ...running,
      ...defined({ latest, expect, jobs, keepGoing, name, keepArchive, platform, layer }),
    });
    print(results, (all) => all.map(line).join(''));
    return results.some((result) => 'error' in result) ? EXIT.failed : EXIT.done;
  };
  return withStore<Options>(command, 'write', work, async (opening) => ({ ...opening, startWorkers: true }));
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

function line(result: Imported | ImportFailure): string {
  if ('error' in result) {
    process.stderr.write(`cairn: ${explain(result.error)}\n`);
    return '';
  }
  const { key, name, labels, size, objects, existed, healed, ms } = result;
  const version = labels['version'] === undefined ? '' : `:${labels['version']}`;
  const what = healed
    ? `was damaged and is whole again, ${formatMs(ms)}`
    : existed
      ? 'was here already'
      : `${formatSize(size)}, ${objects.new} new objects (${formatSize(objects.newBytes)}), ${objects.shared} shared, ${formatMs(ms)}`;
  return `${printable(`${shortKey(key)}  ${name || '(no name)'}${version}  ${what}`)}\n`;
}
