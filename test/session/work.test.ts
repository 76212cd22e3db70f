/** Tasks of one long operation: in which order, how many at a time, and what becomes of failures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { mapped } from '../../engine/core/mapped.js';
import { runWork, type TaskRunner, Work } from '../../engine/session/work.js';
import type { Task } from '../../workers/tasks/protocol.js';

/** Ends each task after as many turns as its first path says; a path `fail` makes it fail. */
class FakePool implements TaskRunner {
  readonly size = 2;
  readonly begun: string[] = [];
  running = 0;
  most = 0;

  async run(task: Task): Promise<never> {
    const [path = ''] = (task as unknown as { paths: string[] }).paths;
    this.begun.push(path);
    this.most = Math.max(this.most, ++this.running);
    for (let turns = Number.parseInt(path, 10) || 0; turns > 0; turns--) await setImmediate();
    this.running--;
    if (path.endsWith('fail')) throw new Error(path);
    return path as never;
  }

  runLimited(task: Task): Promise<never> {
    return this.run(task);
  }
}

const tasks = (...paths: string[]) => paths.map((path) => ({ paths: [path] }));

test('results come in the order of the inputs, of which no more are under way than there are workers', async () => {
  const pool = new FakePool();
  const seen: unknown[] = [];
  const results = await new Work(pool).map('remove', tasks('5', '1', '3', '0'), {
    onResult: (each) => seen.push(each),
  });
  assert.deepEqual(results, ['5', '1', '3', '0']);
  assert.equal(pool.most, 2);
  assert.deepEqual(seen, ['1', '3', '0', '5']);
});

test('inputs are made when their turn comes', async () => {
  const pool = new FakePool();
  const made: number[] = [];
  const inputs = mapped([0, 1, 2, 3], (i) => {
    made.push(i);
    assert.ok(i <= pool.begun.length, `${i} is made before ${pool.begun.length} have begun`);
    return { paths: ['1'] };
  });
  await new Work(pool).map('remove', inputs, { width: 1 });
  assert.deepEqual(made, [0, 1, 2, 3]);
});

test('after a failure nothing is begun, and what had begun is waited for', async () => {
  const pool = new FakePool();
  const work = new Work(pool).map('remove', tasks('1 fail', '6', '0', '0'));
  await assert.rejects(work, /1 fail/);
  assert.deepEqual(pool.begun, ['1 fail', '6']);
  assert.equal(pool.running, 0);
});

test('if asked to go on, all are tried, and the first failure is thrown', async () => {
  const pool = new FakePool();
  const work = new Work(pool).map('remove', tasks('1 fail', '6', '0 fail', '0'), { keepGoing: true });
  await assert.rejects(work, /1 fail/);
  assert.equal(pool.begun.length, 4);
});

test('a signal cancels what is under way, and one that has fired lets nothing begin', async () => {
  const pool = new FakePool();
  const controller = new AbortController();
  const control: Int32Array[] = [];
  await runWork(pool, { signal: controller.signal }, async (work) => {
    const run = pool.run.bind(pool);
    pool.run = async (task) => {
      control.push((task as { control: { cancel: Int32Array } }).control.cancel);
      return run(task);
    };
    const asked = work.ask('remove', { paths: ['2' as never] });
    controller.abort();
    await asked;
  });
  assert.equal(Atomics.load(control[0] as Int32Array, 0), 1);
  const late = runWork(pool, { signal: controller.signal }, async () => assert.fail('begun'));
  await assert.rejects(late, { code: 'ERR_ABORTED' });
});
