/** `cairn history`: shows how an image was made. */
import type { Command } from 'commander';
import type { HistoryStep } from '../../engine/inspect/history.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { table } from '../table.js';
import { formatAge, formatSize } from '../units.js';

const WIDEST_COMMAND = 60;

export function define(command: Command): void {
  command
    .argument('<image>')
    .option('--full', 'whole commands and times')
    .action((image: string, _options: object, self: Command) =>
      withStore<{ full?: boolean }>(self, 'look', async ({ store, options, print }) => {
        print(await store.history(image), (steps) => text(steps, options.full === true));
        return undefined;
      }),
    );
  examples(command, ['cairn history app:2.0', "cairn history app:2.0 --json | jq -r '.[].createdBy'"]);
}

/** The last step comes first, as in other programs. */
function text(steps: readonly HistoryStep[], full: boolean): string {
  return table(
    ['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'],
    steps
      .toReversed()
      .map(({ created, createdBy, comment, empty, size }) => [
        created === null ? '-' : full ? created : formatAge(created),
        full || createdBy.length <= WIDEST_COMMAND ? createdBy || '-' : `${createdBy.slice(0, WIDEST_COMMAND - 1)}…`,
        empty ? '-' : full ? `${size}` : formatSize(size),
        comment,
      ]),
  );
}
