/** `cairn tree`: lists, finds, removes and compares trees. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { TreeRecord } from '../../engine/index/records.js';
import type { Difference } from '../../engine/inspect/compare.js';
import { examples } from '../help.js';
import { withStore, withStoreOrNothing } from '../session.js';
import { shortKey, shortTree, table } from '../table.js';
import { formatAge, formatSize } from '../units.js';

interface RemoveOptions {
  force?: boolean;
}

export function define(command: Command): void {
  defineList(command.command('ls').description('List rendered trees.'));
  definePath(command.command('path').description("Print a tree's root directory."));
  defineRemove(command.command('rm').description('Remove trees; their images stay.'));
  defineDiff(command.command('diff').description('Compare the trees of two images, from their plans.'));
  examples(command, ['cairn tree ls', 'cairn tree path example.com/app', 'cairn tree diff app:1.0.0 app:1.1.0']);
}

function describe(tree: TreeRecord & { path: string }) {
  const { id, images, path, hash, files, bytes, uniqueBytes, mode, renderedAt, lastUsed, skipped } = tree;
  return {
    treeId: id,
    image: images[0] ?? null,
    images,
    path,
    hash,
    files,
    bytes,
    uniqueBytes,
    mode,
    renderedAt: new Date(renderedAt).toISOString(),
    lastUsed: new Date(lastUsed).toISOString(),
    skipped,
  };
}

function defineList(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStoreOrNothing(
      self,
      async ({ store, print }) => {
        const trees: ReturnType<typeof describe>[] = [];
        for await (const tree of store.trees()) trees.push(describe(tree));
        print(trees, (all) =>
          table(
            ['TREE', 'IMAGE', 'FILES', 'SIZE', 'OWN', 'MODE', 'USED'],
            all.map(({ treeId, image, files, bytes, uniqueBytes, mode, lastUsed }) => [
              shortTree(treeId),
              image === null ? '' : shortKey(image),
              `${files}`,
              formatSize(bytes),
              formatSize(uniqueBytes),
              mode,
              formatAge(lastUsed),
            ]),
          ),
        );
        return undefined;
      },
      '[]\n',
    ),
  );
  examples(command, ['cairn tree ls', 'cairn tree ls --json']);
}

function definePath(command: Command): void {
  command.argument('<image-or-id>').action((argument: string, _options: object, self: Command) =>
    withStore(self, 'look', async ({ store, print }) => {
      const path = store.treePath((await store.findTree(argument)).id);
      print([path], () => `${path}\n`);
      return undefined;
    }),
  );
  examples(command, ['cairn tree path example.com/app', 'ls "$(cairn tree path deps-sha512-3f1c)"']);
}

function defineRemove(command: Command): void {
  command
    .argument('<id...>', 'tree ids, or images')
    .option('--force', 'also while a lease holds it')
    .action((ids: string[], _options: RemoveOptions, self: Command) =>
      withStore<RemoveOptions>(self, 'write', async ({ store, options, running, print }) => {
        const trees = ids.flatMap((id) => store.findTrees(id));
        const removed = await store.removeTrees(trees, { ...options, ...running });
        print(
          removed.map((tree) => describe({ ...tree, path: store.treePath(tree.id) })),
          (all) => all.map(({ treeId }) => `${treeId}\n`).join(''),
        );
        return undefined;
      }),
    );
  examples(command, ['cairn tree rm deps-sha512-3f1c', 'cairn tree rm example.com/app']);
}

function defineDiff(command: Command): void {
  command
    .argument('<a>')
    .argument('<b>')
    .action((a: string, b: string, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, print }) => {
        const differences: Difference[] = [];
        for await (const difference of store.compare(a, b)) differences.push(difference);
        print(differences, (all) => all.map(({ change, path }) => `${SIGNS[change]} ${printable(path)}\n`).join(''));
        return undefined;
      }),
    );
  examples(command, ['cairn tree diff example.com/app:1.0.0 example.com/app:1.1.0']);
}

const SIGNS: Readonly<Record<Difference['change'], string>> = { added: 'A', removed: 'D', changed: 'M' };
