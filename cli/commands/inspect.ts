/** `cairn inspect`: shows one image. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { ImageDetails } from '../../engine/inspect/image.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

/** A longer name moves its own value only, not those of other lines. */
const WIDEST = 60;

export function define(command: Command): void {
  command.argument('<image>').action((image: string, _options: object, self: Command) =>
    withStore(self, 'look', async ({ store, print }) => {
      print(await store.inspect(image), text);
      return undefined;
    }),
  );
  examples(command, ['cairn inspect example.com/app:1.0.0', "cairn inspect sha512-3f1c --json | jq '.layers'"]);
}

function text(image: ImageDetails): string {
  const lines: [string, string][] = [
    ...(image.names.length === 0 ? [''] : image.names).map((name): [string, string] => ['name', name || '(none)']),
    ['key', image.key],
    ...(image.digest === undefined ? [] : [['digest', image.digest] as [string, string]]),
    ['format', image.format],
    ...(image.os === undefined ? [] : [['platform', platformOf(image)] as [string, string]]),
    ...(image.created === undefined ? [] : [['created', image.created] as [string, string]]),
    ['size', `${image.size} bytes (${formatSize(image.size)})`],
    ['imported', image.importTime],
    ['last used', image.lastUsed],
    ...verifiedLines(image.signature),
    ...(image.pinned ? [['pinned', 'yes'] as [string, string]] : []),
    ...(image.latest ? [['latest', 'yes'] as [string, string]] : []),
    ...Object.entries(image.labels).map(([name, value]): [string, string] => [`label ${name}`, value]),
    ...Object.entries(image.annotations).map(([name, value]): [string, string] => [`annotation ${name}`, value]),
    ...image.dependencies.map(({ name, key }): [string, string] => [
      'depends on',
      `${name} ${key ?? '(not in the store)'}`,
    ]),
    ...image.layers.map((layer): [string, string] => [
      'layer',
      `${layer.key} ${layer.entries} entries, ${formatSize(layer.objectBytes)}${layer.sharedBy > 0 ? `, shared with ${layer.sharedBy}` : ''}`,
    ]),
    ...image.trees.map((tree): [string, string] => [
      'tree',
      `${tree.path} (${tree.files} files, ${formatSize(tree.bytes)}, ${tree.mode})`,
    ]),
    ...configLines(image.config),
    ...historyLines(image.history),
    ...(image.roots.length > 0 ? [['held by', image.roots.join(', ')] as [string, string]] : []),
    ...(image.pathWhitelist > 0 ? [['whitelist', `${image.pathWhitelist} paths`] as [string, string]] : []),
    ...image.damaged.map(({ kind, what }): [string, string] => ['damaged', `${kind}: ${what}`]),
  ];
  const width = lines.reduce((widest, [name]) => Math.max(widest, Math.min(name.length, WIDEST)), 0);
  return lines.map(([name, value]) => `${printable(`${name.padEnd(width)}  ${value}`)}\n`).join('');
}

function verifiedLines(signature: ImageDetails['signature']): [string, string][] {
  if (signature === null) return [];
  const { at, by, key } = signature;
  return [['verified', `${at}, signed by ${by}, key ${key}`]];
}

function platformOf({ os, arch, labels }: ImageDetails): string {
  const { variant } = labels;
  return [os, arch, ...(variant === undefined ? [] : [variant])].join('/');
}

/** How an OCI image is run: what its configuration says of that, as far as it says anything. */
function configLines(config: unknown): [string, string][] {
  const run = (config as { config?: Record<string, unknown> } | undefined)?.config ?? {};
  return Object.entries(run)
    .filter(
      ([, value]) => value !== null && value !== '' && JSON.stringify(value) !== '{}' && JSON.stringify(value) !== '[]',
    )
    .map(([name, value]) => [`config ${name}`, typeof value === 'string' ? value : JSON.stringify(value)]);
}

function historyLines(history: unknown): [string, string][] {
  const steps = (history ?? []) as { createdBy?: string; comment?: string; emptyLayer: boolean }[];
  return steps.map(({ createdBy = '', comment = '', emptyLayer }) => [
    'history',
    `${createdBy || comment || '-'}${emptyLayer ? ' (no layer)' : ''}`,
  ]);
}
