/** `cairn fetch`: fetches images from registries and web servers. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import type { PullPolicy } from '../../engine/core/finding.js';
import type { Fetched, FetchFailure, Insecure } from '../../engine/fetch/index.js';
import { examples } from '../help.js';
import { insecureOption } from '../insecure.js';
import { readList } from '../list-file.js';
import { ofMany } from '../progress.js';
import { authfileOption, platformOption } from '../pull.js';
import { EXIT, explain } from '../report.js';
import { withStore } from '../session.js';
import { lineOf, noticesOfImport, Teller } from '../teller.js';
import { formatSize, parseCount } from '../units.js';

interface Options {
  filesFrom?: string;
  pull: PullPolicy;
  keepArchive?: boolean;
  platform?: string;
  name?: string;
  latest?: boolean;
  expect?: string;
  jobs?: number;
  keepGoing?: boolean;
  stream?: boolean;
  authfile?: string;
  deps?: boolean;
  signature?: string;
  insecureOptions?: Insecure[];
}

export function define(command: Command): void {
  command
    .argument(
      '[ref...]',
      'docker://HOST/REPOSITORY[:TAG][@DIGEST]; of an ACI its NAME[:VERSION][,LABEL=VALUE]…, URL or path',
    )
    .option('-T, --files-from <file>', 'more references, one a line (- for standard input)')
    .addOption(
      new Option('--pull <policy>', 'when to ask the registry or server')
        .choices(['never', 'missing', 'always'])
        .default('always'),
    )
    .addOption(platformOption())
    .addOption(authfileOption())
    .option('--no-deps', 'fetch nothing that an ACI depends on')
    .option('--signature <file>', 'the signature of an ACI, in place of the one beside it')
    .addOption(insecureOption())
    .option('--keep-archive', 'keep all compressed archives, even if layers that are here must come again for it')
    .option('--no-keep-archive', 'keep no archives (default: those that come are kept)')
    .option('--name <name>', 'what to call the image here')
    .option('--latest', 'mark as the latest of its name')
    .option('--expect <key>', 'the key or digest it must have')
    .option('-j, --jobs <n>', 'images fetched side by side', parseCount)
    .option('-k, --keep-going', 'go on after an image failed; the exit code is still 1')
    .option('--stream', 'with --json: a line for each image as it comes, not an array at the end')
    .action(fetchImages);
  examples(command, [
    'cairn fetch docker://registry.example.com/team/app:2.0',
    'cairn fetch --platform linux/arm64 docker://localhost:5000/app',
    'cairn fetch --pull missing --files-from images.txt',
    'cairn fetch example.com/app:1.0.0',
    'cairn fetch https://example.com/app.aci',
    'cairn fetch --signature app.aci.asc ./app.aci',
  ]);
}

function fetchImages(refs: string[], given: Options, command: Command): Promise<void> {
  const listed = given.filesFrom === undefined ? refs : [...refs, ...readList(given.filesFrom, refs)];
  if (listed.length === 0)
    throw new CairnError('ERR_USAGE', "missing required argument 'ref', and no list of any (--files-from)");
  return withStore<Options>(command, 'create', async (session) => {
    const { store, options, running } = session;
    const { pull, keepArchive, platform, name, latest, expect, jobs, keepGoing, authfile } = options;
    const { deps: dependencies, signature, insecureOptions: insecure } = options;
    for (const flag of ['name', 'expect', 'signature'] as const) {
      if (options[flag] !== undefined && listed.length !== 1)
        throw new CairnError('ERR_USAGE', `--${flag} goes with one image`);
    }
    const teller = new Teller<Fetched | FetchFailure>(session, line, noticesOfImport);
    try {
      const results = await store.fetch(listed, {
        ...running,
        ...defined({ onProgress: ofMany(running.onProgress, listed.length, () => teller.count) }),
        onResult: teller.add,
        ...defined({ pull, keepArchive, platform, name, latest, expect, jobs, keepGoing, authfile }),
        ...defined({ dependencies, signature, insecure }),
      });
      await teller.end(results);
      return results.some((result) => 'error' in result) ? EXIT.failed : EXIT.done;
    } catch (error) {
      // What is in stays in, so it is told, whatever became of the rest.
      await teller.giveUp();
      throw error;
    }
  });
}

function line(result: Fetched | FetchFailure): string {
  if ('error' in result) {
    process.stderr.write(`cairn: ${explain(result.error)}\n`);
    return '';
  }
  return [...(result.dependencies ?? []), result].map(lineOfOne).join('');
}

function lineOfOne(result: Fetched): string {
  const { url, downloadedBytes, resumedBytes, signature } = result;
  const fetched = url === null ? [] : [`${formatSize(downloadedBytes)} fetched`];
  const resumed = resumedBytes === 0 ? [] : [`${formatSize(resumedBytes)} were here from before`];
  const signed = signature === null ? [] : [`signed by ${signature.by || signature.key}`];
  return lineOf(result, [...fetched, ...resumed, ...signed]);
}
