/** The simulated herd: no byte is lost, no link carries more than it can, and the same seed gives the same figures. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Agenda } from '../../bench/simulate/agenda.js';
import { type Herd, MANIFEST, type Outcome, simulateHerd } from '../../bench/simulate/herd.js';
import { Receiver, SharedLink } from '../../bench/simulate/shared-link.js';
import { simulateSwarm } from '../../bench/simulate/swarm.js';
import { HEADS, HERD, herdRows, tableOf } from '../../bench/simulate/table.js';

interface Begun {
  at: number;
  receiver: number;
  bytes: number;
}

/** The same by rates that are computed anew for each transfer whenever one begins or ends. */
function slowly(begun: readonly Begun[], capacity: number, receiverCapacity: number): number[] {
  const left = begun.map(({ bytes }) => bytes);
  const done = begun.map(() => Number.NaN);
  let now = 0;
  for (;;) {
    const open = begun.map((_, i) => i).filter((i) => (begun[i] as Begun).at <= now && Number.isNaN(done[i]));
    const rates = fairRates(
      open.map((i) => (begun[i] as Begun).receiver),
      capacity,
      receiverCapacity,
    );
    const next = Math.min(
      ...begun.map(({ at }) => at).filter((at) => at > now),
      ...open.map((i, k) => now + (left[i] as number) / (rates[k] as number)),
    );
    if (next === Number.POSITIVE_INFINITY) return done;
    for (const [k, i] of open.entries()) {
      left[i] = (left[i] as number) - (rates[k] as number) * (next - now);
      if ((left[i] as number) < 0.001) done[i] = next;
    }
    now = next;
  }
}

/** Raises all rates together; those of a receiver stop when its link is full, and all when the server's is. */
function fairRates(receivers: readonly number[], capacity: number, receiverCapacity: number): number[] {
  const countOf = (receiver: number): number => receivers.filter((each) => each === receiver).length;
  const rates = receivers.map(() => 0);
  const rising = new Set(receivers.map((_, i) => i));
  let left = capacity;
  while (rising.size > 0) {
    const room = [...rising].map((i) => receiverCapacity / countOf(receivers[i] as number) - (rates[i] as number));
    const step = Math.min(left / rising.size, ...room);
    for (const i of rising) rates[i] = (rates[i] as number) + step;
    left -= step * rising.size;
    if (left < 1e-9 * capacity) return rates;
    for (const i of [...rising])
      if (receiverCapacity / countOf(receivers[i] as number) - (rates[i] as number) < 1e-9 * capacity) rising.delete(i);
  }
  return rates;
}

test('a link is shared as a slow model shares it', () => {
  const begun = fc.record({
    at: fc.integer({ min: 0, max: 20 }),
    receiver: fc.integer({ min: 0, max: 3 }),
    bytes: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(
      fc.array(begun, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 60 }),
      (all, capacity, receiverCapacity) => {
        const agenda = new Agenda();
        const link = new SharedLink(agenda, { capacity, receiverCapacity });
        const receivers = [0, 1, 2, 3].map(() => new Receiver());
        const done = all.map(() => Number.NaN);
        for (const [i, { at, receiver, bytes }] of all.entries())
          agenda.at(at, () => {
            link.begin(receivers[receiver] as Receiver, bytes, () => {
              done[i] = agenda.now;
            });
          });
        agenda.run();
        const expected = slowly(all, capacity, receiverCapacity);
        for (const [i, time] of done.entries())
          assert.ok(Math.abs(time - (expected[i] as number)) < 0.1, `${time}, not ${expected[i]}`);
        near(
          link.sent,
          all.reduce((sum, { bytes }) => sum + bytes, 0),
          0.02 * all.length,
        );
        assert.ok(link.peak <= capacity * (1 + 1e-9) && link.receiverPeak <= receiverCapacity * (1 + 1e-9));
      },
    ),
    { numRuns: 300 },
  );
});

function near(actual: number, expected: number, most: number): void {
  assert.ok(Math.abs(actual - expected) <= most, `${actual}, not ${expected}`);
}

const SMALL: Herd = { ...HERD, nodes: 200, layers: [5e7, 3e7, 1e7, 5e6, 4e6, 1e6], piece: 1e6, spread: 1 };
const BYTES = SMALL.layers.reduce((sum, each) => sum + each, MANIFEST);

const HERDS: readonly (readonly [name: string, herd: Herd])[] = [
  ['a registry that serves all', SMALL],
  ['a busy registry', { ...SMALL, requests: 20 }],
  ['a busy registry that says when to come back', { ...SMALL, requests: 20, retryAfter: 3 }],
  ['mirrors', { ...SMALL, mirrors: 7 }],
  ['mirrors that have it', { ...SMALL, mirrors: 7, seeded: true }],
  ['more mirrors than nodes', { ...SMALL, nodes: 5, mirrors: 9 }],
];

for (const [name, herd] of HERDS) {
  test(`${name}: every node gets every byte once, and no link carries more than it can`, () => {
    const outcome = simulateHerd(herd);
    const { done, registrySent, mirrorsSent, mirrorsTook, nodesTook, links } = outcome;
    const asking = Math.min(herd.mirrors, herd.nodes);
    const again = outcome.failed * MANIFEST;
    assert.equal(outcome.refused > 0, Number.isFinite(herd.requests));
    assert.equal(done.length, herd.nodes);
    assert.ok(done.every((time) => Number.isFinite(time) && time > 0));
    const rounding = herd.nodes * 10;
    assert.ok(nodesTook >= herd.nodes * BYTES - rounding && nodesTook <= herd.nodes * BYTES + again + rounding);
    near(registrySent + mirrorsSent, nodesTook + mirrorsTook, rounding);
    near(mirrorsTook, herd.seeded ? 0 : asking * BYTES, rounding);
    for (const { name: link, capacity, peak } of links) assert.ok(peak <= capacity * (1 + 1e-9), `${link}: ${peak}`);
    if (herd.mirrors > 0) near(registrySent, mirrorsTook, rounding);
    assert.deepEqual(simulateHerd(herd), outcome);
    assert.notDeepEqual(simulateHerd({ ...herd, seed: 2 }).done, done);
  });
}

const last = ({ done }: Outcome): number => done.at(-1) as number;

test('a registry alone takes as long as its link needs for all bytes', () => {
  const least = (SMALL.nodes * BYTES) / SMALL.registrySpeed;
  const all = last(simulateHerd(SMALL));
  assert.ok(all >= least && all <= least + SMALL.spread, `${all}, at least ${least}`);
});

test('more mirrors are never slower, until filling them takes longer than what they save', () => {
  const times = (counts: readonly number[], isSeeded: boolean): number[] =>
    counts.map((mirrors) => last(simulateHerd({ ...SMALL, mirrors, seeded: isSeeded })));
  const [one, ...more] = times([1, 2, 4, 8, 12], false);
  const rounding = 2 * (SMALL.piece / SMALL.nodeSpeed) + 0.1;
  more.reduce((before, time) => {
    assert.ok(time <= before + rounding, `${time} after ${before}`);
    return time;
  }, one as number);
  times([1, 2, 4, 8, 12, 40, 200], true).reduce((before, time) => {
    assert.ok(time <= before + 1e-6, `${time} after ${before}`);
    return time;
  });
  const [fit, many] = times([14, 100], false) as [number, number];
  assert.ok(many >= (100 * BYTES) / SMALL.registrySpeed && many > fit, `${many}, ${fit}`);
});

test('a pause that is longer than clients wait fails each command at its first refusal', () => {
  const { refused, failed } = simulateHerd({ ...SMALL, nodes: 50, requests: 10, retryAfter: 61 });
  assert.ok(failed > 0);
  assert.equal(refused, failed);
});

test('a swarm: each node takes each piece once, and neither takes nor sends two in a round', () => {
  const swarm = { nodes: 300, bytes: 100e6, piece: 2e6, nodeSpeed: 1e8, registrySpeed: 4e8, seed: 1 };
  const outcome = simulateSwarm(swarm);
  const { done, pieces, registrySent, nodesSent, most } = outcome;
  assert.equal(pieces, 50);
  assert.equal(done.length, swarm.nodes);
  assert.equal(registrySent + nodesSent, swarm.nodes * pieces);
  assert.deepEqual(most, { nodeSent: 1, nodeTook: 1, registrySent: 4 });
  assert.ok((done[0] as number) >= swarm.bytes / swarm.nodeSpeed);
  assert.deepEqual(simulateSwarm(swarm), outcome);
});

test('docs/scale-out.md has the rows of the table, and the figures of two of them', () => {
  const page = fs.readFileSync(new URL('../../../docs/scale-out.md', import.meta.url), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| ') && line.split('|').length === HEADS.length + 2);
  const rows = table.map((line) => line.split('|').slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
  const names = herdRows(() => {}, { ...SMALL, nodes: 20 }).map(([name]) => name);
  assert.deepEqual(
    [rows[0]?.[0], ...rows.slice(2).map(([name]) => name)],
    names,
    'run: node dist/bench/simulate/herds.js',
  );
  for (const only of ['100 mirrors that have it', 'one another, an ideal swarm'])
    assert.deepEqual(
      rows.find(([name]) => name === only),
      herdRows(() => {}, HERD, only)[1],
    );
});

test('the table has a row for each herd, and its columns are even', () => {
  const rows = herdRows(() => {}, { ...SMALL, nodes: 20 });
  const lines = tableOf(rows).trimEnd().split('\n');
  assert.equal(lines.length, rows.length + 1);
  assert.equal(new Set(lines.map(({ length }) => length)).size, 1);
});
