/** `cairn login`: keeps credentials for a registry, after it has taken them. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { tellLeftOut } from '../../engine/core/finding.js';
import { printable } from '../../engine/core/printable.js';
import type { Insecure } from '../../engine/fetch/index.js';
import { ask, mustHaveTerminal, readPassword } from '../ask.js';
import { examples } from '../help.js';
import { insecureOption } from '../insecure.js';
import { print } from '../output.js';

interface Options {
  username?: string;
  passwordStdin?: boolean;
  authfile?: string;
  insecureOptions?: Insecure[];
  json?: boolean;
  quiet?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<host>', 'HOST[:PORT], or with the beginning of names there: HOST/TEAM')
    .option('-u, --username <user>', 'the user (default: asked for)')
    .option('--password-stdin', 'take the password from standard input (default: asked for)')
    .option('--authfile <file>', 'where to keep them (default: $REGISTRY_AUTH_FILE, else where podman does)')
    .addOption(insecureOption(['tls', 'http']))
    .action(async (host: string, _options: object, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const { json, quiet, authfile, insecureOptions = [] } = options;
      const { login, registryKey } = await import('../../engine/remote/login.js');
      registryKey(host);
      const say = (message: string): void => {
        if (quiet !== true) process.stderr.write(`${printable(`cairn: ${message}`)}\n`);
      };
      tellLeftOut(insecureOptions, say);
      const result = await login(host, await credentialsOf(options), {
        ...defined({ authfile }),
        plainHttp: insecureOptions.includes('http'),
        anyCertificate: insecureOptions.includes('tls'),
        userAgent: 'cairn',
      });
      if (!result.checked) say(`${result.host} asks nobody for credentials; these were not checked`);
      const text = `${result.user} is logged in to ${result.host}; ${result.authfile} keeps it`;
      print(json === true ? `${JSON.stringify(result)}\n` : `${printable(text)}\n`);
    });
  examples(command, [
    'cairn login registry.example.com',
    'cairn login -u robot --password-stdin registry.example.com/team < token',
  ]);
}

/** A password is no argument: who lists processes would read it. */
async function credentialsOf({ username, passwordStdin }: Options): Promise<{ user: string; password: string }> {
  if (passwordStdin === true) {
    if (username === undefined) throw new CairnError('ERR_USAGE', '--password-stdin goes with --username');
    return { user: username, password: await readPassword() };
  }
  mustHaveTerminal('--username and --password-stdin do without');
  const user = username ?? (await ask('User: '));
  return { user, password: await ask('Password: ', true) };
}
