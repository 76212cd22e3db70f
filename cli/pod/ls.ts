/** `cairn pod ls`: lists pods. */
import type { Command } from 'commander';
import { CairnError } from '../../engine/core/errors.js';
import type { PodState, PodSummary } from '../../engine/pod/states.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { table } from '../table.js';
import { formatAge } from '../units.js';

interface Options {
  state?: PodState;
  quiet?: boolean;
}

const STATES: readonly string[] = ['prepared', 'running', 'exited', 'damaged'];

export function defineLs(command: Command): void {
  command
    .option('--state <state>', `only pods of this state: ${STATES.join(', ')}`, parseState)
    .action((_options: Options, self: Command) =>
      withStore<Options>(self, 'look', async ({ store, options, print, say }) => {
        const pods: PodSummary[] = [];
        for await (const pod of store.pods()) {
          if (options.state === undefined || pod.state === options.state) pods.push(pod);
        }
        for (const { pod, damaged } of pods) if (damaged !== undefined) say(`pod ${pod} is damaged: ${damaged}`);
        print(pods, (all) => (options.quiet === true ? all.map(({ pod }) => `${pod}\n`).join('') : rows(all)));
        return undefined;
      }),
    );
  examples(command, ['cairn pod ls', 'cairn pod ls --state exited -q']);
}

function parseState(text: string): PodState {
  if (!STATES.includes(text)) throw new CairnError('ERR_USAGE', `there is no state ${text}; ${STATES.join(', ')}`);
  return text as PodState;
}

function rows(pods: readonly PodSummary[]): string {
  return table(
    ['POD', 'STATE', 'APPS', 'CREATED', 'STARTED', 'EXITED', 'CODES'],
    pods.map(({ pod, state, apps, createdAt, startedAt, exitedAt, exitCodes = {} }) => [
      pod,
      state,
      apps.map(({ name }) => name).join(','),
      formatAge(createdAt),
      startedAt === undefined ? '' : formatAge(startedAt),
      exitedAt === undefined ? '' : formatAge(exitedAt),
      apps.flatMap(({ name }) => (Object.hasOwn(exitCodes, name) ? [`${exitCodes[name]}`] : [])).join(','),
    ]),
  );
}
