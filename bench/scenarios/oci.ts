/** An OCI image with gzipped layers, imported and mounted or rendered; peers unpack the same image or its layers. */
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountable } from '../machine/mount-fault.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { importAndRender, mountSource, renderSource } from '../measure/contestants.js';
import { skopeo } from '../peers/skopeo.js';
import { umoci } from '../peers/umoci.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR, PIGZ_TAR } from '../peers/unpackers.js';

export function oci(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const { layout, layers } = corpus;
  const store = storeIn(ground, 'new');
  const source = { arguments: () => [`oci:${layout.dir}:${layout.tag}`] };
  const own = installed([
    mountable(
      ground,
      mountSource(store, 'layout', () => layout.dir),
    ),
  ]);
  const { contestants, skipped } = installed([
    umoci(corpus, dir),
    skopeo(source, dir, 'overlay'),
    skopeo(source, dir, 'vfs'),
    ...[GNU_TAR, PIGZ_TAR].map((unpacker) => unpacking(unpacker, layers, dir)),
  ]);
  return {
    name: 'oci',
    what: 'nothing is there but an OCI image with gzipped layers',
    measure: 'wall',
    contestants: [
      ...own.contestants,
      renderSource(store, layout.dir),
      importAndRender(store, () => [layout.dir], undefined),
      ...contestants,
    ] as [Contestant, ...Contestant[]],
    skipped: [...own.skipped, ...skipped],
  };
}
