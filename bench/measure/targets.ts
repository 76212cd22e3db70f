/** The targets: what cairn is meant to reach in a scenario, by itself or against another contestant of it. */
import { nameBefore } from './against.js';

export interface Target {
  scenario: string;
  /** Which of cairn's contestants. */
  of: string;
  /** Whom it is compared with. */
  against?: string;
  /** The other one is meant to need at least so many times as much. */
  atLeast?: number;
  /** The other one may need at most so many times as much. */
  atMost?: number;
  /** cairn may take at most so much longer; for commands that do little but start. */
  withinMs?: number;
  /** cairn is meant to take less than this, whoever else takes part. */
  belowMs?: number;
  /** cairn is meant to need less than this. */
  belowBytes?: number;
}

/** Of stores that keep each content as a file. */
const LOOSE: readonly Target[] = [
  { scenario: 'warm', of: 'cairn render, loose', against: 'tar + sync', atLeast: 3.5 },
  { scenario: 'warm', of: 'cairn render, loose', against: nameBefore('cairn render, loose'), atLeast: 1 },
  { scenario: 'warm-library', of: 'store.render(), loose', against: 'cp -al + sync', atLeast: 1 },
  { scenario: 'cold', of: 'cairn import + render, loose', against: 'tar + sync', atLeast: 2.2 },
  {
    scenario: 'cold',
    of: 'cairn import + render, loose',
    against: nameBefore('cairn import + render, loose'),
    atLeast: 1,
  },
  { scenario: 'oci', of: 'cairn render of the archive, loose', against: 'umoci unpack + sync', atLeast: 3.5 },
  {
    scenario: 'oci',
    of: 'cairn render of the archive, loose',
    against: 'skopeo copy to overlay storage + sync',
    atLeast: 4,
  },
  { scenario: 'small', of: 'cairn render of the archive, loose', against: 'tar + sync', atLeast: 1 },
  { scenario: 'large', of: 'cairn render of the archive, loose', against: 'pigz -dc | tar + sync', atLeast: 1.2 },
  { scenario: 'bulk', of: 'cairn import, loose', against: 'tar xzf each + sync', atLeast: 2 },
  { scenario: 'import-only', of: 'cairn import, loose', against: 'inflate + sha512 alone, 1 thread', atLeast: 0.7 },
  {
    scenario: 'fetch',
    of: 'cairn fetch + render, loose',
    against: 'skopeo copy to overlay storage + sync',
    atLeast: 2,
  },
  { scenario: 'run cold', of: 'cairn run, loose', against: 'umoci unpack + crun run', atLeast: 2 },
  { scenario: 'build', of: 'cairn build write, loose', against: 'umoci repack + sync', atLeast: 5 },
  { scenario: 'check', of: 'cairn check, loose', against: 'xargs -P2 sha512sum', atLeast: 0.85 },
  { scenario: 'again', of: 'cairn render, loose', against: 'node -e 0', withinMs: 120 },
  { scenario: 'reimport', of: 'cairn import, all there, loose', against: 'cairn import, new store, loose', atLeast: 5 },
  { scenario: 'gc-many', of: 'cairn gc, loose', belowMs: 10_000 },
];

/** Of stores that keep contents in packs, and of trees that are mounted. */
const PACKS: readonly Target[] = [
  { scenario: 'import', of: 'cairn import, packs', against: 'tar + sync', atLeast: 1.75 },
  { scenario: 'import', of: 'cairn import, packs', against: 'pigz -dc | tar + sync', atLeast: 1.4 },
  { scenario: 'oci', of: 'cairn mount of the layout, packs', against: 'tar + sync', atLeast: 1.6 },
  { scenario: 'oci', of: 'cairn mount of the layout, packs', against: 'pigz -dc | tar + sync', atLeast: 1.3 },
  { scenario: 'oci', of: 'cairn mount of the layout, packs', against: 'umoci unpack + sync', atLeast: 3.2 },
  {
    scenario: 'oci',
    of: 'cairn mount of the layout, packs',
    against: 'skopeo copy to overlay storage + sync',
    atLeast: 2.5,
  },
  {
    scenario: 'fetch',
    of: 'cairn mount of the reference, packs',
    against: 'skopeo copy to overlay storage + sync',
    atLeast: 2,
  },
  { scenario: 'small', of: 'cairn import, packs', against: 'tar + sync', atLeast: 1.9 },
  { scenario: 'small', of: 'cairn mount of the archive, packs', against: 'tar + sync', atLeast: 1.6 },
  { scenario: 'large', of: 'cairn import, packs', against: 'tar + sync', atLeast: 1.8 },
  { scenario: 'large', of: 'cairn import, packs', against: 'pigz -dc | tar + sync', atLeast: 1.2 },
  { scenario: 'bulk', of: 'cairn import, packs', against: 'tar xzf each + sync', atLeast: 1.8 },
  { scenario: 'mount', of: 'cairn mount, no plan kept, packs', against: 'tar + sync', atLeast: 4.5 },
  { scenario: 'mount', of: 'cairn mount, as after a reboot, packs', against: 'node -e 0', withinMs: 90 },
  { scenario: 'mount-library', of: 'store.mount(), no plan kept, packs', belowMs: 150 },
  { scenario: 'mount-library', of: 'store.mount(), packs', belowMs: 80 },
  { scenario: 'check-cold', of: 'cairn check, packs', against: 'xargs -P2 sha512sum', atLeast: 1.8 },
  { scenario: 'check', of: 'cairn check, packs', against: 'xargs -P2 sha512sum', atLeast: 0.95 },
  { scenario: 'gc-many', of: 'cairn gc, packs', belowMs: 10_000 },
  { scenario: 'gc-holes', of: 'cairn: the holes alone, packs', belowMs: 200 },
  { scenario: 'gc-bytes', of: 'cairn gc gives back, packs', against: 'what the objects held', atMost: 1.11 },
  { scenario: 'rebuilds', of: 'cairn, one image, packs', against: 'cairn, ten rebuilds, packs', atMost: 1.1 },
  { scenario: 'memory-large', of: 'cairn import, packs', belowBytes: 250e6 },
  { scenario: 'memory-small', of: 'cairn import, packs', belowBytes: 300e6 },
];

export const TARGETS: readonly Target[] = [...PACKS, ...LOOSE];
