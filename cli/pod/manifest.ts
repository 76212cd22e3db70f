/** `cairn pod manifest`: makes pod manifests, and checks them. */
import { type Command, Option } from 'commander';
import { CairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { printable } from '../../engine/core/printable.js';
import type { App } from '../../engine/image/aci/app.js';
import { parsePodManifest, unknownIsolators } from '../../engine/image/aci/pod-manifest.js';
import { forwardedPorts } from '../../engine/image/aci/pod-ports.js';
import { unknownFields } from '../../engine/image/aci/unknown-fields.js';
import type { JsonObject } from '../../engine/image/json.js';
import { parseAppWords } from '../../engine/pod/app-words.js';
import { requestFromBundle } from '../../engine/pod/from-bundle.js';
import type { PodRequest } from '../../engine/pod/request.js';
import { appWordsOf } from '../app-arguments.js';
import { examples } from '../help.js';
import { readInput } from '../input.js';
import { print } from '../output.js';
import { bringsImage } from '../pull.js';
import { type Globals, withStore } from '../session.js';
import { addAppOptions } from './app-options.js';

interface Options extends Globals {
  validate?: string;
  fromOci?: string;
}

export function defineManifest(command: Command): void {
  command
    .argument('[image...]')
    .usage('[options] IMAGE [IMAGE OPTIONS] [-- ARGS… [---]] …')
    .option('--from-oci <bundle>', 'say what this OCI runtime bundle says, with the image as the root file system')
    .addOption(
      new Option('--validate <file>', 'check this manifest instead; "-" is standard input').conflicts('fromOci'),
    )
    .action(async (_images: string[], _options: object, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const words = appWordsOf(self);
      if (options.validate === undefined) return make(self, words, options);
      if (words.length > 0) throw new CairnError('ERR_USAGE', `--validate goes without images and their options`);
      return validate(options, options.validate);
    });
  addAppOptions(command);
  examples(command, [
    'cairn pod manifest example.com/app:1.0.0 > pod.json',
    'cairn pod manifest app --exec /bin/sh --user 1000 -- -c "echo hello"',
    'cairn pod manifest --volume data,kind=empty --mount volume=data,target=/data web -- --port 80 --- worker',
    'cairn pod manifest --from-oci ./bundle example.com/app',
    'cairn pod manifest --validate pod.json',
  ]);
}

async function make(self: Command, words: readonly string[], options: Options): Promise<void> {
  const request = requestOf(words, options);
  const images = request.apps.map(({ image }) => image);
  await withStore(self, bringsImage(self, ...images) ? 'create' : 'look', async ({ store, running, print }) => {
    const { raw } = await store.podManifest(request, running);
    print(raw, pretty);
    return undefined;
  });
}

function requestOf(words: readonly string[], options: Options): PodRequest {
  const asked = parseAppWords(words);
  const { fromOci, quiet } = options;
  if (fromOci === undefined) return asked;
  if (asked.apps.length === 0) throw new CairnError('ERR_USAGE', NO_IMAGE);
  const { request, notices } = requestFromBundle(fromOci, asked, limitsOf(options));
  for (const { entry, message } of quiet === true ? [] : notices) tell(`${entry}: ${message}`);
  return request;
}

const NO_IMAGE =
  'the root file system of a bundle is a directory: name the image that it is of, or make one, ' +
  '"tar -C BUNDLE/rootfs -cf root.tar . && cairn import --layer --name NAME root.tar"';

function limitsOf({ maxManifest }: Globals): { maxManifest: number } {
  return { maxManifest: maxManifest ?? DEFAULT_LIMITS.maxManifest };
}

function tell(message: string): void {
  process.stderr.write(`cairn: ${printable(message)}\n`);
}

function pretty(document: JsonObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

async function validate(options: Options, file: string): Promise<void> {
  const limits = limitsOf(options);
  const manifest = parsePodManifest(await readInput(file, limits.maxManifest), limits);
  const { apps, volumes, raw } = manifest;
  if (options.quiet !== true) {
    for (const path of unknownFields(raw)) tell(`pod manifest: ${path}: unknown field, which means nothing`);
    for (const { entry, name } of unknownIsolators(manifest)) tell(`pod manifest: ${entry}: unknown isolator ${name}`);
  }
  // Where an app is as its image says, its ports are not known here.
  const own = apps.flatMap(({ app }) => app ?? []);
  if (own.length === apps.length) forwardedPorts(manifest, (i) => own[i] as App);
  const text = `a pod manifest: apps: ${apps.length}, volumes: ${volumes.length}\n`;
  print(options.json === true ? `${JSON.stringify(raw)}\n` : text);
}
