/** Words of other tools are refused with the command to type instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, findCommand } from '../../cli/commands.js';
import { OTHER_WORDS } from '../../cli/other-words.js';
import { cairn } from '../fixtures/cli.js';

test('no word is a command, and what is advised begins with one', () => {
  for (const [word, advice] of OTHER_WORDS) {
    assert.equal(findCommand(word), undefined, word);
    for (const [, name] of advice.matchAll(/"cairn ([a-z-]+)/g)) {
      assert.ok(
        COMMANDS.some((command) => command.name === name),
        `${word}: ${name}`,
      );
    }
  }
});

test('a word of another tool is a misuse, and says what to type', async (t) => {
  for (const [args, message] of [
    [['diff', 'a', 'b'], `unknown command 'diff'; "cairn tree diff A B"`],
    [['mv', 'a', 'b'], `unknown command 'mv'; "cairn tag OLD NEW", then "cairn untag OLD"`],
    [
      ['--store', 'run', 'restore'],
      `unknown command 'restore'; a backup is a store: use it with --store, or copy it back with "cp -a"`,
    ],
  ] as const) {
    await t.test(args.join(' '), async () => {
      const { code, stdout, stderr } = await cairn(args);
      assert.deepEqual([code, stdout.length], [2, 0]);
      assert.equal(stderr, `cairn: ${message}\n(add --help for more)\n`);
      const ran = await cairn(['--json', ...args]);
      assert.deepEqual([ran.code, ran.error().code, ran.error().message], [2, 'ERR_USAGE', message]);
    });
  }
  await t.test('but not below a command', async () => {
    assert.match((await cairn(['tree', 'mv'])).stderr, /^cairn: unknown command 'mv'\n/);
  });
});
