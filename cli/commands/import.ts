/** `cairn import`: takes images in. */
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { imagesBelow } from '../../engine/import/source/sources.js';
import { STDIN, splitReference } from '../../engine/resolve/source-path.js';
import { examples } from '../help.js';
import { readList } from '../list-file.js';
import { ofMany } from '../progress.js';
import { platformOption } from '../pull.js';
import { EXIT } from '../report.js';
import { type Prepare, type Session, withStore } from '../session.js';
import { lineOfImport, noticesOfImport, Teller } from '../teller.js';
import { parseCount } from '../units.js';

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
    .addOption(platformOption())
    .option('--layer', "take one layer's tar for an image of its own")
    .option('--keep-archive', 'keep the compressed archives, so that exports have the same digests')
    .option('--latest', 'mark as the latest of its name')
    .option('--expect <key>', 'the key or digest it must have')
    .option(
      '-j, --jobs <n>',
      'sources read side by side (default: one more than workers, more of small ones)',
      parseCount,
    )
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
    const teller = new Teller(session, lineOfImport, noticesOfImport);
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

function expand(source: string): string[] {
  return source === STDIN ? [source] : imagesBelow(source);
}
