/** `cairn check`: hashes everything again and compares. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { printable } from '../../engine/core/printable.js';
import type { CheckResult } from '../../engine/verify/check.js';
import { examples } from '../help.js';
import { EXIT } from '../report.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

interface Options {
  trees?: boolean;
  quick?: boolean;
}

export function define(command: Command): void {
  command
    .argument('[image-or-tree...]', 'what to check (default: everything)')
    .option('--trees', 'trees only, not the layers')
    .option('--quick', 'compare sizes, times and metadata; do not hash')
    .action((targets: string[], _options: Options, self: Command) =>
      withStore<Options>(
        self,
        'read',
        async ({ store, options, running, print }) => {
          const { trees, quick } = options;
          const result = await store.check(targets, {
            ...running,
            ...defined({ onlyTrees: trees, quick }),
          });
          print(result, text);
          return result.ok ? EXIT.done : EXIT.damage;
        },
        async (opening) => ({ ...opening, verifyIndex: targets.length === 0 }),
      ),
    );
  examples(command, ['cairn check', 'cairn check example.com/app', 'cairn check --trees --quick']);
}

function text({ checked, damaged }: CheckResult): string {
  const lines = damaged.map(
    ({ kind, id, path, what }) => `damaged: ${kind} ${id}${path === undefined ? '' : ` ${path}`}: ${what}`,
  );
  const { layers, objects, trees, bytes } = checked;
  const summary = `checked ${layers} layers, ${objects} objects, ${trees} trees (${formatSize(bytes)})`;
  const verdict = damaged.length === 0 ? 'all is well' : `${damaged.length} damaged; run "cairn fsck --repair"`;
  return `${[...lines, `${summary}: ${verdict}`].map(printable).join('\n')}\n`;
}
