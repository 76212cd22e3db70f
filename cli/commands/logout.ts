/** `cairn logout`: forgets credentials for registries. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { printable } from '../../engine/core/printable.js';
import { examples } from '../help.js';
import { print } from '../output.js';

interface Options {
  all?: boolean;
  authfile?: string;
  json?: boolean;
  quiet?: boolean;
}

export function define(command: Command): void {
  command
    .argument('[host]', 'as it was for login')
    .option('-a, --all', 'of all registries')
    .option('--authfile <file>', 'where they are kept (default: $REGISTRY_AUTH_FILE, else where podman does)')
    .action(async (host: string | undefined, _options: object, self: Command) => {
      const { all, authfile, json, quiet } = self.optsWithGlobals<Options>();
      if ((host === undefined) !== (all === true))
        throw new CairnError('ERR_USAGE', 'of which registry? HOST, or --all of them');
      const { logout, logoutOfAll } = await import('../../engine/remote/login.js');
      const options = defined({ authfile });
      const gone = host === undefined ? await logoutOfAll(options) : [await logout(host, options)];
      for (const { host: of, remains } of gone) {
        if (remains === undefined || quiet === true) continue;
        process.stderr.write(`${printable(`cairn: ${remains} has credentials for ${of}, too, which stay`)}\n`);
      }
      const lines = gone.map((each) => `${printable(`logged out of ${each.host}`)}\n`);
      print(json === true ? `${JSON.stringify(gone)}\n` : lines.join(''));
    });
  examples(command, ['cairn logout registry.example.com', 'cairn logout --all']);
}
