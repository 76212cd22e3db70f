/** `cairn pod manifest`: checks pod manifests. */
import type { Command } from 'commander';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { parsePodManifest, unknownIsolators } from '../../engine/image/aci/pod-manifest.js';
import { examples } from '../help.js';
import { readInput } from '../input.js';
import { print } from '../output.js';
import type { Globals } from '../session.js';

interface Options extends Globals {
  validate: string;
}

export function defineManifest(command: Command): void {
  command
    .requiredOption('--validate <file>', 'check this manifest; "-" is standard input')
    .action(async (_options: object, self: Command) => validate(self.optsWithGlobals<Options>()));
  examples(command, ['cairn pod manifest --validate pod.json', 'cairn pod manifest --validate - < pod.json']);
}

async function validate({ validate: file, maxManifest, json, quiet }: Options): Promise<void> {
  const limits = { maxManifest: maxManifest ?? DEFAULT_LIMITS.maxManifest };
  const manifest = parsePodManifest(await readInput(file, limits.maxManifest), limits);
  for (const { entry, name } of quiet === true ? [] : unknownIsolators(manifest))
    process.stderr.write(`cairn: pod manifest: ${entry}: unknown isolator ${name}\n`);
  const { apps, volumes, raw } = manifest;
  print(
    json === true ? `${JSON.stringify(raw)}\n` : `a pod manifest: apps: ${apps.length}, volumes: ${volumes.length}\n`,
  );
}
