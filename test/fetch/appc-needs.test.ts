/** What images need is brought once each, side by side, and cycles are told: for any graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { freshFor } from '../../engine/fetch/appc/freshness.js';
import { Needs } from '../../engine/fetch/appc/needs.js';

type Graph = readonly (readonly number[])[];

/** Edges between up to eight things, the first of which is asked for. */
const graphs = fc
  .integer({ min: 1, max: 8 })
  .chain((size) => fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 4 }), { minLength: size, maxLength: size }));

/** Brings all that the first thing needs. @returns what was brought, in the order in which it ended */
async function bringAll(graph: Graph, most = 100): Promise<{ brought: string[]; told: string[] }> {
  const needs = new Needs<string>(most);
  const brought: string[] = [];
  const bring = async (name: string): Promise<string[]> => {
    await setImmediate();
    const below = await needs.bring(name, (graph[Number(name)] ?? []).map(String), bring);
    brought.push(name);
    return [...below, name];
  };
  const told = await needs.bring('0', (graph[0] ?? []).map(String), bring);
  return { brought, told };
}

function reachable(graph: Graph, from: number, seen = new Set<number>()): Set<number> {
  for (const next of graph[from] ?? []) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachable(graph, next, seen);
  }
  return seen;
}

function hasCycle(graph: Graph): boolean {
  return [0, ...reachable(graph, 0)].some((node) => reachable(graph, node).has(node));
}

test('each thing comes once, after what it needs; a cycle is told by a chain that is one', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, async (graph) => {
      const outcome = await bringAll(graph).catch((error: Error & { code: string }) => error);
      if (!hasCycle(graph)) {
        assert.ok(!(outcome instanceof Error));
        const { brought, told } = outcome;
        assert.deepEqual(brought.toSorted(), [...reachable(graph, 0)].map(String).sort());
        assert.deepEqual(told.toSorted(), brought.toSorted());
        for (const [i, name] of brought.entries())
          for (const need of graph[Number(name)] ?? []) assert.ok(brought.indexOf(`${need}`) < i);
        return;
      }
      assert.ok(outcome instanceof Error && outcome.code === 'ERR_DEPENDENCY_CYCLE');
      const chain = (outcome.message.split(': ')[1] ?? '').split(' → ').map(Number);
      assert.equal(chain[0], chain.at(-1));
      for (const [i, next] of chain.slice(1).entries()) assert.ok(graph[chain[i] as number]?.includes(next));
    }),
    { numRuns: 300 },
  );
});

test('stacked diamonds take no longer than their size, and a graph may not grow without end', async () => {
  const depth = 60;
  const diamonds = Array.from({ length: 2 * depth }, (_none, i) => [i - (i % 2) + 2, i - (i % 2) + 3]);
  const { told } = await bringAll([[2, 3], ...diamonds.slice(1, -2)], 200);
  assert.equal(told.length, 2 * depth - 2);
  const endless = new Needs<never>(10);
  const more = (name: string): Promise<never[]> => endless.bring(name, [`${name}+`], more);
  await assert.rejects(endless.bring('0', ['0+'], more), { code: 'ERR_LIMIT', message: /--max-dependencies/ });
});

/** Things that come when they are told to, and that end when they are stopped. */
class Things {
  readonly needs = new Needs<string>(100);
  readonly log: string[] = [];
  readonly #ends = new Map<string, (error?: Error) => void>();

  bring(by: string, names: readonly string[], signal?: AbortSignal): Promise<string[]> {
    return this.needs.bring(by, names, (name, _i, stop) => this.#come(name, stop), signal);
  }

  /** Lets a thing end. */
  async end(name: string, error?: Error): Promise<void> {
    await setImmediate();
    this.#ends.get(name)?.(error);
    await setImmediate();
  }

  async #come(name: string, stop: AbortSignal): Promise<string[]> {
    this.log.push(`${name} begins`);
    const stopped = (): void => this.#ends.get(name)?.(new Error(`${name} was stopped`));
    stop.addEventListener('abort', stopped);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#ends.set(name, (error) => (error === undefined ? resolve() : reject(error)));
      });
      return [name];
    } finally {
      this.log.push(`${name} ends`);
    }
  }
}

test('the first failure stops the others, and is what is told', async () => {
  const things = new Things();
  const all = things.bring('top', ['a', 'b', 'c']).catch((error: Error) => error.message);
  await things.end('c');
  await things.end('b', new Error('b failed'));
  assert.equal(await all, 'b failed');
  assert.deepEqual(things.log, ['a begins', 'b begins', 'c begins', 'c ends', 'b ends', 'a ends']);
});

test('what somebody else waits for goes on', async () => {
  const things = new Things();
  const one = things.bring('one', ['shared', 'bad']).catch((error: Error) => error.message);
  const other = things.bring('other', ['shared']);
  await things.end('bad', new Error('bad failed'));
  assert.equal(await one, 'bad failed');
  await things.end('shared');
  assert.deepEqual(await other, ['shared']);
  assert.deepEqual(await things.bring('third', ['shared']), ['shared']);
  assert.deepEqual(things.log, ['shared begins', 'bad begins', 'bad ends', 'shared ends']);
});

test('who is stopped stops what it needs, and what was stopped may come again', async () => {
  const things = new Things();
  const controller = new AbortController();
  const stopped = things.bring('top', ['a'], controller.signal).catch((error: Error) => error.message);
  await setImmediate();
  controller.abort();
  assert.equal(await stopped, 'a was stopped');
  await assert.rejects(things.bring('top', ['b'], controller.signal), { code: 'ERR_ABORTED' });
  const again = things.bring('top', ['a']);
  await things.end('a');
  assert.deepEqual(await again, ['a']);
  assert.deepEqual(things.log, ['a begins', 'a ends', 'a begins', 'a ends']);
});

test('how long an answer is fresh', () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['public', undefined],
    ['max-age=60', 60_000],
    ['Public, Max-Age="5"', 5000],
    ['max-age=60, no-cache', 0],
    ['no-store', 0],
    ['private="x", max-age=1', 1000],
    ['max-age=-1', undefined],
    ['max-age=99999999999', undefined],
    ['s-maxage=60', undefined],
  ];
  for (const [header, fresh] of cases) assert.equal(freshFor(header), fresh, header);
});
