/** umoci unpacks an OCI image into a runtime bundle. */
import { join } from 'node:path';
import type { Corpus } from '../inputs/corpus.js';
import type { Peer } from '../measure/contestant.js';
import { remove } from '../measure/process.js';

export function umoci({ layout }: Corpus, dir: string): Peer {
  const bundle = join(dir, 'bundle');
  return {
    programs: ['umoci', 'sync'],
    contestant: {
      name: 'umoci unpack + sync',
      deviations: ['times of directories'],
      run: async (stopwatch) => {
        await stopwatch.run(['umoci', 'unpack', '--image', `${layout.dir}:${layout.tag}`, bundle]);
        await stopwatch.flush(bundle);
        return join(bundle, 'rootfs');
      },
      clear: () => remove(bundle),
    },
  };
}
