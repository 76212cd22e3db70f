/** The targets: what cairn is meant to reach in a scenario, against one contestant of it. */

export interface Target {
  scenario: string;
  against: string;
  /** cairn is meant to be at least so many times as fast. */
  atLeast?: number;
  /** cairn may take at most so much longer; for commands that do little but start. */
  withinMs?: number;
}

export const TARGETS: readonly Target[] = [
  { scenario: 'warm', against: 'tar + sync', atLeast: 3.5 },
  { scenario: 'warm-library', against: 'cp -al + sync', atLeast: 1 },
  { scenario: 'oci', against: 'umoci unpack + sync', atLeast: 3.5 },
  { scenario: 'oci', against: 'skopeo copy to overlay storage + sync', atLeast: 4 },
  { scenario: 'cold', against: 'tar + sync', atLeast: 2.2 },
  { scenario: 'small', against: 'tar + sync', atLeast: 1 },
  { scenario: 'large', against: 'pigz -dc | tar + sync', atLeast: 1.2 },
  { scenario: 'bulk', against: 'tar xzf each + sync', atLeast: 2 },
  { scenario: 'import-only', against: 'inflate + sha512 alone, 1 thread', atLeast: 0.7 },
  { scenario: 'fetch', against: 'skopeo copy to overlay storage + sync', atLeast: 2 },
  { scenario: 'run cold', against: 'umoci unpack + crun run', atLeast: 2 },
  { scenario: 'build', against: 'umoci repack + sync', atLeast: 5 },
  { scenario: 'check', against: 'xargs -P2 sha512sum', atLeast: 0.85 },
  { scenario: 'again', against: 'node -e 0', withinMs: 120 },
  { scenario: 'reimport', against: 'cairn import, new store', atLeast: 5 },
];
