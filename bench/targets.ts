/** What cairn is meant to reach: in a scenario, against a contestant of it, at least so many times as fast. */

export interface Target {
  scenario: string;
  against: string;
  atLeast: number;
}

export const TARGETS: readonly Target[] = [
  { scenario: 'warm', against: 'tar + sync', atLeast: 2.5 },
  { scenario: 'warm', against: 'bsdtar + sync', atLeast: 3 },
  { scenario: 'warm-library', against: 'cp -al + sync', atLeast: 1 },
  { scenario: 'cold', against: 'tar + sync', atLeast: 1 },
  { scenario: 'oci', against: 'umoci unpack + sync', atLeast: 2 },
  { scenario: 'reimport', against: 'cairn import, new store', atLeast: 10 },
  { scenario: 'check', against: 'xargs -P2 sha512sum', atLeast: 1 },
  { scenario: 'du', against: 'du -s', atLeast: 1 },
];
