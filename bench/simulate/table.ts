/** The herds that `docs/scale-out.md` tells of, and the table of how they fare. */
import { formatSize } from '../../cli/units.js';
import { median } from '../measure/statistics.js';
import { type Herd, simulateHerd } from './herd.js';
import { simulateSwarm } from './swarm.js';

/** Bits a second, in bytes a second. */
const GBIT = 1e9 / 8;
const MB = 1e6;

/** Ten thousand nodes start within ten seconds, and lack all of an image of 1 GB. */
export const HERD: Herd = {
  nodes: 10_000,
  layers: [400, 250, 150, 100, 60, 30, 8, 2].map((size) => size * MB),
  nodeSpeed: GBIT,
  registrySpeed: 10 * GBIT,
  mirrorSpeed: 10 * GBIT,
  mirrors: 0,
  seeded: false,
  piece: 16 * MB,
  spread: 10,
  requests: Number.POSITIVE_INFINITY,
  retryAfter: undefined,
  restart: 60,
  seed: 1,
};

const HERDS: readonly (readonly [name: string, change: Partial<Herd>])[] = [
  ['the registry, which serves all at once', {}],
  ['the registry, 400 requests at a time', { requests: 400 }],
  ['the same, `Retry-After: 30`', { requests: 400, retryAfter: 30 }],
  ['10 mirrors', { mirrors: 10 }],
  ['30 mirrors', { mirrors: 30 }],
  ['100 mirrors', { mirrors: 100 }],
  ['300 mirrors', { mirrors: 300 }],
  ['10 mirrors that have it', { mirrors: 10, seeded: true }],
  ['100 mirrors that have it', { mirrors: 100, seeded: true }],
];

/** Bytes of a piece that nodes give one another. */
const SWARM_PIECE = 4 * MB;

const SWARM = 'one another, an ideal swarm';

export const HEADS = ['nodes ask', 'first', 'median', '99 %', 'all', 'registry sends', 'refused', 'failed'];

/** @returns rows of cells, the heads first; with a name, of that row alone */
export function herdRows(say: (name: string) => void, base: Herd = HERD, only?: string): string[][] {
  const rows = [HEADS];
  for (const [name, change] of HERDS) {
    if (only !== undefined && name !== only) continue;
    say(name);
    const { done, registrySent, refused, failed } = simulateHerd({ ...base, ...change });
    rows.push([name, ...times(done), formatSize(registrySent), `${refused}`, `${failed}`]);
  }
  if (only !== undefined && only !== SWARM) return rows;
  say(SWARM);
  const { nodes, nodeSpeed, registrySpeed, seed, layers } = base;
  const bytes = layers.reduce((sum, each) => sum + each, 0);
  const swarm = simulateSwarm({ nodes, bytes, piece: SWARM_PIECE, nodeSpeed, registrySpeed, seed });
  rows.push([SWARM, ...times(swarm.done), formatSize(swarm.registrySent * SWARM_PIECE), '0', '0']);
  return rows;
}

function times(done: readonly number[]): string[] {
  const at = (share: number): number => done[Math.ceil(share * done.length) - 1] as number;
  return [done[0] as number, median(done), at(0.99), at(1)].map((seconds) => `${seconds.toFixed(1)} s`);
}

/** As Markdown. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((each, i) => pad(each, i)).join(' | ')} |`;
  const pad = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[0] as number) : text.padStart(widths[column] as number);
  const [heads = [], ...others] = rows;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(heads), rule, ...others.map(line), ''].join('\n');
}
