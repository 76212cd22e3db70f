/** What images call things: no text of theirs drives a terminal, or makes a command fail for its length or number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saySkipped } from '../cli/skipped.js';
import { TestStore } from './fixtures/store.js';

const ESCAPE = '\x1b]0;x\x07';
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** What `saySkipped` says. */
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
