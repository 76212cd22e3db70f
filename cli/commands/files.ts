/** `cairn files`: lists the files that a render would give. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { FileRecord } from '../../engine/inspect/files.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

const FLUSH_AT = 1 << 16;

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('[path]', 'only this path and what is below it')
    .action((image: string, path: string | undefined, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, options, write }) => {
        const format = options.json === true ? (file: FileRecord) => JSON.stringify(file) : line;
        let pending = '';
        for await (const file of store.files(image, path)) {
          pending += `${format(file)}\n`;
          if (pending.length < FLUSH_AT) continue;
          await write(pending);
          pending = '';
        }
        await write(pending);
        return undefined;
      }),
    );
  examples(command, [
    'cairn files example.com/app',
    'cairn files example.com/app /etc',
    'cairn files --json example.com/app | jq -r \'select(.type=="file").path\'',
  ]);
}

function line({ mode, type, uid, gid, size, path, link, group }: FileRecord): string {
  const target = link !== undefined ? ` -> ${link}` : group !== undefined && group !== path ? ` = ${group}` : '';
  return printable(
    `${mode} ${type.padEnd(7)} ${`${uid}:${gid}`.padEnd(11)} ${`${size}`.padStart(11)} ${path}${target}`,
  );
}
