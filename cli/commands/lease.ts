/** `cairn lease`: keeps trees for a while. */
import type { Command } from 'commander';
import type { LeaseRecord } from '../../engine/index/records.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortTree, table } from '../table.js';
import { parseDuration } from '../units.js';

interface AddOptions {
  ttl: number;
  holder?: string;
}

export function define(command: Command): void {
  const add = command
    .command('add')
    .description('Keep a tree for a while.')
    .argument('<tree>', 'a tree id, or a rendered image')
    .requiredOption('--ttl <duration>', 'how long: 30s, 15m, 24h, 7d', parseDuration)
    .option('--holder <name>', 'who holds it')
    .action((tree: string, _options: AddOptions, self: Command) =>
      withStore<AddOptions>(self, 'write', async ({ store, options, print }) => {
        print(describe(await store.lease(tree, options.ttl, options.holder)), ({ id }) => `${id}\n`);
        return undefined;
      }),
    );
  examples(add, ['cairn lease add example.com/app --ttl 1h --holder runner-7']);

  const remove = command
    .command('rm')
    .description('Let go of leases.')
    .argument('<id...>')
    .action((ids: string[], _options: object, self: Command) =>
      withStore(self, 'write', async ({ store, print }) => {
        const removed: ReturnType<typeof describe>[] = [];
        for (const id of ids) removed.push(describe(await store.releaseLease(id)));
        print(removed, (all) => all.map(({ id }) => `${id}\n`).join(''));
        return undefined;
      }),
    );
  examples(remove, ['cairn lease rm 0b9c2c5e-6a37-4a44-9d0f-2f2d5a3c1b7e']);

  const list = command
    .command('ls')
    .description('List leases that hold.')
    .action((_options: object, self: Command) =>
      withStore(self, 'look', async ({ store, print }) => {
        print((await store.leases()).map(describe), (all) =>
          table(
            ['LEASE', 'TREE', 'HOLDER', 'UNTIL'],
            all.map(({ id, tree, holder, expiresAt }) => [id, shortTree(tree), holder, expiresAt]),
          ),
        );
        return undefined;
      }),
    );
  examples(list, ['cairn lease ls --json']);
  examples(command, ['cairn lease add example.com/app --ttl 1h', 'cairn lease ls']);
}

function describe({ id, tree, holder, createdAt, expiresAt }: LeaseRecord) {
  return {
    id,
    tree,
    holder,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}
