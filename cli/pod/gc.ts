/** `cairn pod gc`: removes pods that have ended, and those that nobody runs. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { parseDuration } from '../units.js';

interface Options {
  gracePeriod?: number;
  expirePrepared?: number;
  markOnly?: boolean;
  dryRun?: boolean;
}

export function defineGc(command: Command): void {
  command
    .option('--grace-period <duration>', 'keep pods for so long after they have ended (default: 30m)', parseDuration)
    .option('--expire-prepared <duration>', 'keep prepared pods for so long (default: 24h)', parseDuration)
    .option('--mark-only', 'note which pods have ended, and remove none')
    .option('--dry-run', 'only tell what would go')
    .action((_options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print }) => {
        const { gracePeriod: graceMs, expirePrepared: expirePreparedMs, markOnly, dryRun } = options;
        const gone = await store.gcPods({ ...running, ...defined({ graceMs, expirePreparedMs, markOnly, dryRun }) });
        print(gone, (all) => all.map(({ pod }) => `${pod}\n`).join(''));
        return undefined;
      }),
    );
  examples(command, ['cairn pod gc', 'cairn pod gc --grace-period 0 --dry-run']);
}
