/** `cairn discover`: shows where images of a name, their signatures and keys are, without fetching any. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { DiscoveredName, Insecure } from '../../engine/fetch/index.js';
import { examples } from '../help.js';
import { insecureOption } from '../insecure.js';
import { print } from '../output.js';

interface Options {
  insecureOptions?: Insecure[];
  json?: boolean;
  quiet?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<name>', 'NAME[:VERSION][,LABEL=VALUE]…; os and arch are those of this machine unless given')
    .addOption(insecureOption(['tls', 'http']))
    .action(async (name: string, _options: object, self: Command) => {
      const { insecureOptions: insecure = [], json, quiet } = self.optsWithGlobals<Options>();
      const { discoverName } = await import('../../engine/fetch/discover.js');
      const onNotice = (message: string): void => {
        if (quiet !== true) process.stderr.write(`${printable(`cairn: ${message}`)}\n`);
      };
      const found = await discoverName(name, { insecure, onNotice });
      print(json === true ? `${JSON.stringify(found)}\n` : text(found));
    });
  examples(command, ['cairn discover example.com/app:1.0.0', 'cairn discover --json example.com/app,arch=aarch64']);
}

function text({ aci, asc, keys }: DiscoveredName): string {
  const images = aci.flatMap((url, i) => [`aci   ${url}`, `asc   ${asc[i]}`]);
  return [...images, ...keys.map((url) => `keys  ${url}`)].map((line) => `${printable(line)}\n`).join('');
}
