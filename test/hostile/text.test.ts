/** Texts of images: none drives a terminal, or makes a command fail by its length or number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saySkipped } from '../../cli/skipped.js';
import { table } from '../../cli/table.js';
import { TestStore } from '../fixtures/store.js';

const ESCAPE = '\x1b]0;x\x07';
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The messages of `saySkipped`. */
function saidOf(...skipped: Parameters<typeof saySkipped>[1][]): string[] {
  const said: string[] = [];
  for (const each of skipped) saySkipped((message) => said.push(message), each);
  return said;
}

test('labels, annotations and paths cannot drive a terminal', async (t) => {
  const s = new TestStore(t);
  const labels = [{ name: 'version', value: ESCAPE }];
  const app = s.aci(
    'app.aci',
    {
      name: 'example.com/app',
      labels: { version: ESCAPE },
      dependencies: [{ imageName: 'example.com/gone', labels }],
      more: { annotations: [{ name: 'note', value: ESCAPE }] },
    },
    [{ name: `x${ESCAPE}` }],
  );
  const empty = s.aci('empty.aci', { name: 'example.com/empty' });
  const other = s.aci('other.aci', { name: 'example.com/other' }, [{ name: `y${ESCAPE}` }]);
  for (const args of [
    ['import', app, empty, other],
    ['inspect', 'example.com/app'],
    ['ls'],
    ['du'],
    ['files', 'example.com/other'],
    ['tree', 'diff', 'example.com/empty', 'example.com/other'],
  ]) {
    const { stdout, stderr } = await s.ok(args);
    assert.doesNotMatch(`${stdout}${stderr}`.replaceAll('\n', ''), CONTROL, args.join(' '));
    if (args[0] !== 'du') assert.match(`${stdout}`, /\\x1b\]0;x\\x07/, args.join(' '));
  }
  const failed = await s.run(['--verbose', 'render', 'example.com/app']);
  assert.doesNotMatch(failed.stderr.replaceAll('\n', ''), CONTROL);
  assert.ok(failed.stderr.includes('\n    at '), 'stacks keep their lines');
});

test('what could not be set is told without driving the terminal', () => {
  const [said = ''] = saidOf({ [`xattr user.${ESCAPE}`]: { count: 1, paths: [`x${ESCAPE}`] } });
  assert.equal(said, 'not set: xattr user.\\x1b]0;x\\x07 of 1 path, for example x\\x1b]0;x\\x07');
});

test('of a great many kinds of what could not be set, ten are told and the others counted', () => {
  const kinds = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_none, i) => [`xattr user.${i}`, { count: 1, paths: ['x'] }]));
  assert.equal(saidOf(kinds(10)).length, 10);
  const said = saidOf(kinds(80_000));
  assert.equal(said.length, 11);
  assert.equal(said.at(-1), 'not set: … and 79990 more');
});

test('a long cell of a table is cut, so that it does not widen all rows', () => {
  const longest = 'a'.repeat(512);
  const lines = table(
    ['NAME', 'SIZE'],
    [
      [`${longest}a`, '1'],
      [longest, '2'],
      [ESCAPE.repeat(200), '3'],
      ['b', '4'],
    ],
  ).split('\n');
  assert.deepEqual(new Set(lines.slice(1, -1).map(({ length }) => length)), new Set([512 + '  1'.length]));
  assert.ok(lines[1]?.startsWith(`${'a'.repeat(511)}…  1`));
  assert.ok(lines[2]?.startsWith(`${longest}  2`));
  assert.match(lines[3] ?? '', /… {2}3$/);
});
