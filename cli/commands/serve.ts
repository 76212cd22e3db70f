/** `cairn serve`: the API, the registry and the status page. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { DEFAULT_LISTEN } from '../../engine/serve/http/address.js';
import { serve } from '../../engine/serve/index.js';
import type { OpenOptions } from '../../engine/session/open.js';
import { examples } from '../help.js';
import { EXIT } from '../report.js';
import { withStore } from '../session.js';

interface Options {
  listen: string;
  write?: boolean;
  tokenFile?: string;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option('--listen <address>', 'HOST:PORT (port 0: any that is free) or unix:PATH').default(DEFAULT_LISTEN),
    )
    .option('--write', 'let requests change the store: import, remove, tag, pin, render, collect')
    .option(
      '--token-file <file>',
      'let in only who sends a token of this file; wanted for other addresses than loopback',
    )
    .action((_options: Options, self: Command) => {
      const { write } = self.optsWithGlobals<Options>();
      return withStore<Options>(
        self,
        write === true ? 'write' : 'look',
        async ({ store, options, running, tell, say }) => {
          const { listen, tokenFile } = options;
          const server = await serve(store, {
            ...{ listen, write: write === true, signal: running.signal, onNotice: seldom(say) },
            ...defined({ tokenFile }),
          });
          process.stderr.write(`cairn: listening at ${server.url}${write === true ? ', requests may write' : ''}\n`);
          if (options.json === true)
            await tell(`${JSON.stringify({ listening: server.url, write: write === true })}\n`);
          if (write === true && tokenFile === undefined && server.url.startsWith('http'))
            say('whoever is logged in on this machine may change the store; --token-file lets in only some');
          await server.closed;
          return EXIT.done;
        },
        prepare,
      );
    });
  examples(command, [
    'cairn serve',
    'cairn serve --listen unix:/run/cairn.sock --write',
    'cairn serve --listen 0.0.0.0:5000 --token-file /etc/cairn/tokens',
  ]);
}

/** What requests ask for is looked for here alone, and what other processes do is followed. */
async function prepare({ remote: _remote, onNotice, ...opening }: OpenOptions): Promise<OpenOptions> {
  return { ...opening, follow: true, ...defined({ onNotice: onNotice && seldom(onNotice) }) };
}

const SELDOM_MS = 60_000;
const MOST_MESSAGES = 1000;

/** Requests meet the same trouble again and again; once a minute is enough to hear of it. */
function seldom(say: (message: string) => void): (message: string) => void {
  const said = new Map<string, number>();
  return (message) => {
    const now = Date.now();
    if (now - (said.get(message) ?? 0) < SELDOM_MS) return;
    if (said.size >= MOST_MESSAGES) said.clear();
    said.set(message, now);
    say(message);
  };
}
