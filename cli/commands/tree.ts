/** `cairn tree`: lists, finds, removes and compares trees. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import type { TreeRecord } from '../../engine/index/records.js';
import type { Difference } from '../../engine/inspect/compare.js';
import type { Store } from '../../engine/store.js';
import { countDifferences, differenceText, statText } from '../differences.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
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
    withStore(self, 'look', async ({ store, print }) => {
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
    }),
  );
  examples(command, ['cairn tree ls', 'cairn tree ls --json']);
}

function definePath(command: Command): void {
  command.argument('<image-or-id>').action((argument: string, _options: object, self: Command) =>
    withStore(self, 'look', async ({ store, print, say }) => {
      const { id, mode } = await store.findTree(argument);
      const path = store.treePath(id);
      if (mode === 'mount' && !(await isMountedAt(store, path)))
        say(`nothing is mounted there; "cairn render" mounts it`);
      print([path], () => `${path}\n`);
      return undefined;
    }),
  );
  examples(command, ['cairn tree path example.com/app', 'ls "$(cairn tree path deps-sha512-3f1c)"']);
}

async function isMountedAt(store: Store, path: string): Promise<boolean> {
  for await (const mount of store.mounts()) if (mount.path === path) return true;
  return false;
}

function defineRemove(command: Command): void {
  command
    .argument('<id...>', 'tree ids, or images')
    .option('--force', 'also while a lease holds it')
    .action((ids: string[], _options: RemoveOptions, self: Command) =>
      withStore<RemoveOptions>(self, 'write', async ({ store, options, running, print }) => {
        const trees = ids.flatMap((id) => store.findTrees(id));
        const removed = await store.removeTrees(trees, { ...running, ...defined({ force: options.force }) });
        print(
          removed.map((tree) => describe({ ...tree, path: store.treePath(tree.id) })),
          (all) => all.map(({ treeId }) => `${treeId}\n`).join(''),
        );
        return undefined;
      }),
    );
  examples(command, ['cairn tree rm deps-sha512-3f1c', 'cairn tree rm example.com/app']);
}

interface DiffOptions {
  stat?: boolean;
  directoryTimes?: boolean;
}

function defineDiff(command: Command): void {
  command
    .argument('<a>')
    .argument('<b>')
    .option('--stat', 'only how much has changed')
    .option('--directory-times', 'also directories whose time alone differs')
    .action((a: string, b: string, _options: DiffOptions, self: Command) =>
      withStore<DiffOptions>(self, 'look', async ({ store, options, print, say }) => {
        const { stat, directoryTimes, json } = options;
        const differences: Difference[] = [];
        for await (const each of store.diff(a, b, defined({ directoryTimes }))) differences.push(each);
        if (differences.length === 0 && json !== true) say(sameTrees(directoryTimes === true));
        if (stat === true) print(countDifferences(differences), statText);
        else print(differences, (all) => all.map(differenceText).join(''));
        return undefined;
      }),
    );
  examples(command, [
    'cairn tree diff example.com/app:1.0.0 example.com/app:1.1.0',
    'cairn tree diff --stat app:1.0.0 app:1.1.0',
  ]);
}

/** @param isExact whether times of directories were compared, too */
function sameTrees(isExact: boolean): string {
  const but = isExact ? '' : ', but perhaps for times of directories';
  return `the trees are the same${but}; "cairn inspect" shows what else images have`;
}
