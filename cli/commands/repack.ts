/** `cairn repack`: moves the contents of a store's files into packs, or out of them. */
import { type Command, Option } from 'commander';
import type { Repacked } from '../../engine/recover/repack.js';
import { FORMAT_VERSION, type ObjectLayout } from '../../engine/session/format.js';
import { examples } from '../help.js';
import { type Prepare, withStore } from '../session.js';
import { formatSize } from '../units.js';

interface Options {
  layout: ObjectLayout;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option('--layout <layout>', 'each content a file, or many in a pack')
        .choices(['loose', 'packs'])
        .makeOptionMandatory(),
    )
    .action(({ layout }: Options, self: Command) => {
      let repacked: Repacked | undefined;
      // The store is opened only afterwards: what is open does not see its contents move.
      const prepare: Prepare = async (opening, running) => {
        const { repackStore } = await import('../../engine/recover/repack.js');
        repacked = await repackStore({ ...opening, ...running, layout });
        return opening;
      };
      return withStore(
        self,
        'write',
        async ({ print }) => {
          print(repacked, (done) => `${text(done as Repacked)}\n`);
          return undefined;
        },
        prepare,
      );
    });
  examples(command, ['cairn repack --layout packs', 'cairn repack --layout loose']);
}

function text({ layout, existed, raised, objects, bytes, ms }: Repacked): string {
  if (existed) return raised ? `the store has format ${FORMAT_VERSION} now` : `the layout is ${layout} already`;
  return `layout ${layout}: ${objects} objects (${formatSize(bytes)}), ${(ms / 1000).toFixed(1)} s`;
}
