/** `cairn init`: makes a store, and chooses how it keeps the contents of files. */
import * as fs from 'node:fs';
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { Layout } from '../../engine/disk/layout.js';
import type { StoreInfo } from '../../engine/inspect/info.js';
import type { LayoutChoice } from '../../engine/session/choose-layout.js';
import type { OpenOptions } from '../../engine/session/open.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

interface Options {
  layout?: LayoutChoice;
}

export function define(command: Command): void {
  command
    .addOption(
      new Option(
        '--layout <layout>',
        'each content a file, or many in a pack; by default auto: packs where trees can be mounted',
      ).choices(['auto', 'loose', 'packs']),
    )
    .action(({ layout }: Options, self: Command) => {
      let existed = false;
      const prepare = async (opening: OpenOptions): Promise<OpenOptions> => {
        existed = fs.existsSync(new Layout(opening.dir).format);
        return { ...opening, ...defined({ layout }) };
      };
      return withStore<Options>(
        self,
        'create',
        async ({ store, print }) => {
          const info = await store.info();
          if (layout !== undefined && layout !== 'auto' && info.layout !== layout) throw otherLayout(info, layout);
          print({ ...info, existed }, ({ dir }) => `${dir}\n`);
          return undefined;
        },
        prepare,
      );
    });
  examples(command, ['cairn init', 'cairn --store /srv/images init --layout packs']);
}

function otherLayout({ dir, layout }: StoreInfo, wanted: LayoutChoice): CairnError {
  const why = `${dir} is a store of layout ${layout}; "cairn repack --layout ${wanted}" changes that`;
  return new CairnError('ERR_EXISTS', why, { path: dir });
}
