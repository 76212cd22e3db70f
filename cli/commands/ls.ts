/** `cairn ls`: lists images. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import type { ImageSummary } from '../../engine/inspect/image.js';
import { repeated } from '../config/repeated.js';
import { examples } from '../help.js';
import { type Globals, withStore } from '../session.js';
import { shortKey, table } from '../table.js';
import { fillTemplate } from '../template.js';
import { formatAge, formatSize } from '../units.js';

const FIELDS = ['key', 'name', 'size', 'treeSize', 'importTime', 'lastUsed'] as const;

interface Options {
  filter?: Record<string, string>;
  sort: (typeof FIELDS)[number];
  order: 'asc' | 'desc';
  full?: boolean;
  format?: string;
}

export function define(command: Command): void {
  command
    .argument('[name...]', 'NAME[:VERSION][,LABEL=VALUE], or the beginning of a key')
    .option(
      '--filter <field=value>',
      'only images with this label, format, arch, pinned=true, named=false …',
      repeated(addFilter),
    )
    .addOption(new Option('--sort <field>', 'what to sort by').choices(FIELDS).default('importTime'))
    .addOption(new Option('--order <order>', 'direction').choices(['asc', 'desc']).default('asc'))
    .option('--full', 'whole keys, bytes and times')
    .option('--format <template>', 'a line for each name, as {{.name}} {{.tag}} {{.id}} {{.size}} and so on')
    .action((names: string[], _options: Options, self: Command) =>
      withStore<Options>(self, 'look', async ({ store, options, print }) => {
        const images: ImageSummary[] = [];
        for await (const image of store.images({ names, ...defined({ filter: options.filter }) })) images.push(image);
        const direction = options.order === 'desc' ? -1 : 1;
        images.sort((a, b) => direction * compare(a[options.sort], b[options.sort]));
        print(images, (all) =>
          text(
            all.map((image) => onlyNamed(image, names)),
            options,
          ),
        );
        return undefined;
      }),
    );
  examples(command, [
    'cairn ls',
    'cairn ls example.com/app',
    'cairn ls --filter arch=arm64 --sort size --order desc',
    "cairn ls --format '{{.name}}:{{.tag}} {{.size}}'",
    'cairn ls -q --filter named=false | xargs -r cairn rm',
  ]);
}

function addFilter(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new CairnError('ERR_USAGE', `--filter takes FIELD=VALUE, not ${JSON.stringify(text)}`);
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** With the general option `--quiet` a list has ids alone. */
function text(images: readonly ImageSummary[], { quiet, format, full = false }: Options & Globals): string {
  if (quiet === true) return images.map(({ key }) => `${full ? key : shortKey(key)}\n`).join('');
  const rows = images.flatMap((image) => rowsOf(image, full));
  if (format !== undefined) return rows.map((row) => `${fillTemplate(format, row)}\n`).join('');
  return table(
    ['NAME', 'TAG', 'ID', 'ARCH', 'SIZE', 'TREES', 'IMPORTED', 'USED', 'MARKS'],
    rows.map(({ name, tag, id, arch, size, trees, imported, used, marks }) => [
      ...[name || '-', tag || '-', id, arch || '-', size, trees, imported, used, marks],
    ]),
  );
}

/** Of an image that was asked for by a name, the other names are not shown. */
function onlyNamed(image: ImageSummary, asked: readonly string[]): ImageSummary {
  const isAsked = (name: string): boolean => asked.some((each) => name === each || splitName(name).name === each);
  const names = image.names.filter(isAsked);
  return names.length === 0 ? image : { ...image, names };
}

/** A row for each name; one for an image without a name. */
function rowsOf(image: ImageSummary, full: boolean) {
  const { key, names, digest = '', os = '', arch = '', format, latest, pinned } = image;
  const common = {
    ...{ key, digest, os, arch, format, id: full ? key : shortKey(key) },
    size: full ? `${image.size}` : formatSize(image.size),
    trees: full ? `${image.treeSize}` : formatSize(image.treeSize),
    imported: full ? image.importTime : formatAge(image.importTime),
    used: full ? image.lastUsed : formatAge(image.lastUsed),
    marks: [latest ? 'latest' : '', pinned ? 'pinned' : ''].filter(Boolean).join(','),
  };
  return (names.length === 0 ? [''] : names).map((each) => ({ ...common, ...splitName(each) }));
}

/** The version stands after the last colon before any labels, unless that is a port's. */
function splitName(text: string): { name: string; tag: string; labels: string } {
  const [head = '', ...labels] = text.split(',');
  const colon = head.lastIndexOf(':');
  const hasTag = colon > head.lastIndexOf('/');
  const [name, tag] = hasTag ? [head.slice(0, colon), head.slice(colon + 1)] : [head, ''];
  return { name, tag, labels: labels.join(',') };
}
