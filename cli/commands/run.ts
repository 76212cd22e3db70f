/** `cairn run`: runs an image, in a pod of its own that goes when it has ended. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { addRunOptions, runSource } from '../pod/run.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('[command...]', "instead of the image's own; of an OCI image it replaces its Cmd")
    .option('--keep', 'keep the pod when it has ended')
    .option('--rm', 'remove the pod when it has ended, as by default')
    .action((image: string, args: string[], _options: object, self: Command) =>
      runSource(self, [image], { args, replace: true }, ({ keep }) => keep === true),
    );
  addRunOptions(command);
  examples(command, [
    'cairn run example.com/app:1.0.0',
    "cairn run docker://debian -- sh -c 'exit 7'",
    'cairn run -it debian -- bash',
  ]);
}
