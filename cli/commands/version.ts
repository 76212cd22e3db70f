/** `cairn version`: tells which versions these are. */
import type { Command } from 'commander';
import { FORMAT_VERSION } from '../../engine/session/format.js';
import { examples } from '../help.js';
import { print } from '../output.js';

export function define(command: Command): void {
  command.action((_options: object, self: Command) => {
    const { json } = self.optsWithGlobals<{ json?: boolean }>();
    const version = self.parent?.version() ?? '';
    const found = { version, node: process.version, storeFormat: FORMAT_VERSION };
    print(
      json === true
        ? `${JSON.stringify(found)}\n`
        : `cairn ${version}, Node ${process.version}, stores of format ${FORMAT_VERSION}\n`,
    );
  });
  examples(command, ['cairn version']);
}
