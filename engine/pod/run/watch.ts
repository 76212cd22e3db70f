/**
 * Keeps watch over containers for as long as this process lives. If it is killed, they do not run on without it: a
 * small shell notices, since its input ends, and deletes them. It holds the pod's lock until they are gone, so that
 * nobody takes a pod for ended whose apps run.
 */
import { spawn } from 'node:child_process';
import { cleanEnvironment, type RunContext } from './container.js';
import { commandOf } from './runtime.js';

/** `read` fails at the end of the input. The number of words in front of each id is the first argument. */
const SCRIPT = `trap "" HUP INT TERM QUIT
read -r done && exit
while [ $# -gt 0 ]; do
  id=$1; shift
  $DELETE
done`;

export interface Watch {
  end(): void;
}

export function watchOver({ runtime, places, lock }: RunContext, ids: readonly string[]): Watch {
  const [file, args] = commandOf(runtime, ['--root', places.state, 'delete', '--force']);
  const command = [file, ...args].map(quoted).join(' ');
  const script = SCRIPT.replace('$DELETE', () => `${command} "$id"`);
  const watcher = spawn('sh', ['-c', script, 'sh', ...ids], {
    stdio: ['pipe', 'ignore', 'ignore', lock],
    detached: true,
    env: cleanEnvironment(),
  });
  // Without a shell there is no watch, and pod rm and gc delete what a kill leaves.
  watcher.on('error', () => undefined);
  watcher.stdin?.on('error', () => undefined);
  watcher.unref();
  return {
    end: () => {
      watcher.stdin?.end('done\n');
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
