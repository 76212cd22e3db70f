/** A process that runs one command after the other gives what a process of its own would, so that tests may use it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestStore } from '../fixtures/store.js';

test('a command gives the same after others as in a process of its own', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, [{ name: 'f', content: 'a\0b' }])]);
  for (const args of [
    ['ls', '--json', '--format', '{{name}} {{key}}'],
    ['inspect', 'example.com/b', '--json'],
    ['cat', 'example.com/a', 'f'],
    ['cat', 'example.com/a', 'g', '--verbose'],
    ['check', '--json'],
    ['nonsense'],
  ]) {
    const stays = await s.run(args);
    const own = await s.run(args, { fresh: true });
    const told = ({ code, stdout, stderr }: typeof own) => [code, `${stdout}`, stderr.replaceAll(/ {4}at .*\n/g, '')];
    assert.deepEqual(told(stays), told(own), args.join(' '));
  }
});

test('neither the environment nor the directory of a command reaches the next', async (t) => {
  const s = new TestStore(t);
  fs.mkdirSync(s.path('other'));
  s.write('blob', 'x');
  const elsewhere = { cwd: s.path('other'), env: { CAIRN_STORE: s.path('theirs') } };
  const put = await s.ok(['put', '../blob', '--json'], elsewhere);
  const { key } = put.json<{ key: string }>();
  assert.ok(fs.existsSync(join(s.path('theirs'), 'cairn.json')));
  await s.refused(['get', key, '-'], 'ERR_NOT_FOUND', 3);
  await s.refused(['put', '../blob'], 'ERR_NOT_FOUND', 3);
});

test('commands that run at the same time have a process each', async (t) => {
  const s = new TestStore(t);
  const pids = async (): Promise<string[]> => {
    const ran = await Promise.all([1, 2, 3].map(() => s.ok(['put', '/proc/self/stat', '--json'])));
    const keys = ran.map((each) => each.json<{ key: string }>().key);
    const bytes = await Promise.all(keys.map((key) => s.ok(['get', key, '-'])));
    return bytes.map(({ stdout }) => stdout.toString().split(' ')[0] as string);
  };
  assert.equal(new Set(await pids()).size, 3);
});
