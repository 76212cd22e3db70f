/** `cairn check`: hashes everything again and compares. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { printable } from '../../engine/core/printable.js';
import type { CheckResult } from '../../engine/verify/check.js';
import type { Damage } from '../../engine/verify/damage.js';
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
          print(result, (whole) => text(whole, quick === true));
          return result.ok ? EXIT.done : EXIT.damage;
        },
        async (opening) => ({ ...opening, verifyIndex: targets.length === 0 }),
      ),
    );
  examples(command, ['cairn check', 'cairn check example.com/app', 'cairn check --trees --quick']);
}

/** @param quick whether nothing was hashed */
function text({ checked, damaged, reimport }: CheckResult, quick: boolean): string {
  const lines = damaged.map(({ kind, id, path, what, metadata }) => {
    const where = path === undefined ? id : `${id} ${path}`;
    return `${metadata === true ? 'metadata differs' : 'damaged'}: ${kind} ${where}: ${what}`;
  });
  const { layers, objects, trees, pods, bytes } = checked;
  const more = pods === 0 ? '' : `, ${pods} pods`;
  const summary = quick
    ? `looked at ${layers} layers, ${objects} objects, ${trees} trees${more}, and hashed nothing`
    : `checked ${layers} layers, ${objects} objects, ${trees} trees${more} (${formatSize(bytes)})`;
  return `${[...lines, `${summary}: ${verdict(damaged, reimport, quick)}`].map(printable).join('\n')}\n`;
}

function verdict(damaged: readonly Damage[], reimport: readonly string[], quick: boolean): string {
  if (damaged.length === 0) return quick ? 'sizes, times and metadata are right' : 'all is well';
  const drifted = damaged.filter(({ metadata }) => metadata === true).length;
  const counts = [
    ...(damaged.length > drifted ? [`${damaged.length - drifted} damaged`] : []),
    ...(drifted > 0 ? [`${drifted} with other metadata`] : []),
  ].join(', ');
  const isNews = damaged.some(({ awaited }) => awaited !== true);
  const advice = [
    ...(isNews ? ['run "cairn fsck --repair"'] : []),
    ...(reimport.length > 0 ? [`import again: ${reimport.join(', ')}`] : []),
  ];
  return [counts, ...advice].join('; ');
}
