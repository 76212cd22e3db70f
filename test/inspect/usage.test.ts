/** The command line itself: help, usage errors, completion, keys and names as people type them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { COMMANDS } from '../../cli/commands.js';
import { aci } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import { TestStore } from '../fixtures/store.js';

test('the help of every command has examples that begin with the command', async (t) => {
  for (const { name, load } of COMMANDS) {
    const command = new Command(name);
    (await load()).define(command, COMMANDS);
    for (const each of [command, ...command.commands]) {
      const full = each === command ? name : `${name} ${each.name()}`;
      await t.test(full, () => {
        let help = '';
        each.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
        const [, examples] = help.split('\nExamples:\n');
        assert.match(examples ?? '', new RegExp(`^  \\$ .*\\bcairn ${full}\\b`, 'm'));
      });
    }
  }
});

test('help goes to standard output and is no error', async (t) => {
  for (const args of [['--help'], ['import', '--help'], ['help', 'import'], ['tree', 'rm', '--help'], ['help']]) {
    await t.test(args.join(' '), async () => {
      const { code, stdout, stderr } = await cairn(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout.toString(), /^Usage: cairn /);
      if (args.includes('import')) assert.match(stdout.toString(), /--keep-going/);
    });
  }
});

test('--version prints the version', async () => {
  const { version } = JSON.parse(fs.readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  for (const flag of ['--version', '-V']) assert.equal((await cairn([flag])).stdout.toString(), `${version}\n`);
});

test('a command line that names no command gets the help, on stderr, and exit code 2', async (t) => {
  for (const args of [[], ['tree'], ['lease']]) {
    await t.test(`cairn ${args.join(' ')}`.trim(), async () => {
      const { code, stdout, stderr } = await cairn(args);
      assert.deepEqual([code, stdout.length], [2, 0]);
      assert.match(stderr, /^Usage: cairn /);
    });
  }
  await t.test('with --json an error', async () => {
    const ran = await cairn(['tree', '--json']);
    assert.deepEqual([ran.code, ran.error().code], [2, 'ERR_USAGE']);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1);
  });
});

const MISUSES: readonly [args: string[], message: RegExp][] = [
  [['frobnicate'], /unknown command 'frobnicate'/],
  [['tree', 'frobnicate'], /unknown command 'frobnicate'/],
  [['ls', '--frobnicate'], /unknown option '--frobnicate'/],
  [['du', 'extra'], /too many arguments/],
  [['import'], /missing required argument 'source'/],
  [['lease', 'add', 'x'], /--ttl/],
  [['lease', 'add', 'x', '--ttl', 'soon'], /A duration is a number with a unit/],
  [['gc', '--grace-period', '5'], /A duration is a number with a unit/],
  [['gc', '--keep-storage', 'much'], /A size is a number with a unit/],
  [['ls', '--sort', 'colour'], /Allowed choices are/],
  [['render', '--mode', 'magic', 'x'], /Allowed choices are mount, link, reflink, copy/],
  [['--workers', '0', 'ls'], /A count is a whole number above zero/],
  [['completion', 'tcsh'], /'tcsh' is invalid/],
];

test('a misuse is exit code 2 and one error on stderr', async (t) => {
  for (const [args, message] of MISUSES) {
    await t.test(args.join(' '), async () => {
      const ran = await cairn(['--json', ...args]);
      assert.equal(ran.code, 2);
      assert.equal(ran.stdout.length, 0);
      const [line, ...more] = ran.stderr.trimEnd().split('\n') as [string];
      assert.deepEqual(more, []);
      const { error } = JSON.parse(line);
      assert.equal(error.code, 'ERR_USAGE');
      assert.match(error.message, message);
    });
  }
  await t.test('for people in words', async () => {
    const { code, stderr } = await cairn(['frobnicate']);
    assert.deepEqual([code, stderr], [2, "cairn: unknown command 'frobnicate'\n(add --help for more)\n"]);
  });
});

test('completion', async (t) => {
  const scripts = new Map<string, string>();
  for (const shell of ['bash', 'zsh', 'fish']) {
    await t.test(`${shell} knows every command`, async () => {
      const { code, stdout } = await cairn(['completion', shell]);
      assert.equal(code, 0);
      scripts.set(shell, stdout.toString());
      for (const { name } of COMMANDS) assert.match(stdout.toString(), new RegExp(`\\b${name}\\b`), name);
    });
  }
  for (const [line, ...expected] of [
    ['cairn im', 'import', 'images'],
    ['cairn tree ', 'ls', 'path', 'rm', 'diff'],
    ['cairn gc --ke', '--keep-storage', '--keep-last'],
    ['cairn tree rm --f', '--force'],
  ] as [string, ...string[]][]) {
    await t.test(`bash completes "${line}"`, () => {
      const words = line.split(' ').map((word) => `'${word}'`);
      const ask = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _cairn; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const found = execFileSync('bash', ['-c', `${scripts.get('bash')}\n${ask}`], { encoding: 'utf8' }).split('\n');
      for (const word of expected) assert.ok(found.includes(word), `${word} in ${found.join(' ')}`);
    });
  }
});

/** Two images whose keys begin with the same two digits, and one whose key begins with others. */
async function twinStore(t: TestContext): Promise<{ s: TestStore; twins: [string, string]; single: string }> {
  const s = new TestStore(t);
  const seen = new Map<string, { key: string; path: string }>();
  let twins: { key: string; path: string }[] | undefined;
  for (let i = 0; twins === undefined || seen.size < 2; i++) {
    const bytes = aci({ name: `example.com/n${i}` });
    const key = `sha512-${createHash('sha512').update(bytes).digest('hex')}`;
    const image = { key, path: s.write(`n${i}.aci`, bytes) };
    const other = seen.get(key.slice(7, 9));
    if (other !== undefined) twins ??= [other, image];
    seen.set(key.slice(7, 9), image);
  }
  const single = [...seen.values()].find(({ key }) => key.slice(7, 9) !== twins[0]?.key.slice(7, 9));
  const images = [...twins, single as { key: string; path: string }];
  await s.ok(['import', ...images.map(({ path }) => path)]);
  const [a, b, c] = images.map(({ key }) => key) as [string, string, string];
  return { s, twins: [a, b], single: c };
}

test('an image may be named by its key or a prefix of it', async (t) => {
  const { s, twins, single } = await twinStore(t);
  const shared = twins[0].slice(0, 9);
  const unused = [...Array(256).keys()]
    .map((n) => n.toString(16).padStart(2, '0'))
    .find((digits) => ![...twins, single].some((key) => key.startsWith(`sha512-${digits}`)));

  for (const [what, argument] of [
    ['the whole key', single],
    ['two digits', single.slice(0, 9)],
    ['half of it, as rkt prints keys', single.slice(0, 'sha512-'.length + 64)],
    ['upper case', single.slice(0, 20).toUpperCase().replace('SHA512', 'sha512')],
  ] as const) {
    await t.test(what, async () => assert.equal((await s.json(['inspect', argument]))['key'], single));
  }
  for (const [what, argument, code, exit] of [
    ['digits that are not hexadecimal', 'sha512-zz', 'ERR_KEY_SYNTAX', 1],
    ['another kind of hash', 'sha256-abcd', 'ERR_KEY_SYNTAX', 1],
    ['too many digits', `${single}0`, 'ERR_KEY_SYNTAX', 1],
    ['one digit', 'sha512-a', 'ERR_KEY_TOO_SHORT', 1],
    ['no digit', 'sha512-', 'ERR_KEY_TOO_SHORT', 1],
    ['a key of nothing', `sha512-${unused}`, 'ERR_NOT_FOUND', 3],
    ['a digest of nothing', `sha256:${'0'.repeat(64)}`, 'ERR_NOT_FOUND', 3],
    ['a name of nothing', 'example.com/nothing', 'ERR_NOT_FOUND', 3],
    ['a name of something with a label that it lacks', 'example.com/n0:7', 'ERR_NOT_FOUND', 3],
    ['no name at all', 'Example.com/UP PER', 'ERR_NAME_SYNTAX', 1],
  ] as const) {
    await t.test(`${what} is ${code}`, async () => {
      await s.refused(['inspect', argument], code, exit);
    });
  }
  await t.test('what several begin with is ERR_AMBIGUOUS_KEY, with the candidates', async () => {
    const error = await s.refused(['render', shared], 'ERR_AMBIGUOUS_KEY', 1);
    assert.deepEqual(error['candidates'], [...twins].sort());
  });
  await t.test('a path to an archive is imported first', async () => {
    const path = s.aci('late.aci', { name: 'example.com/late' });
    await s.ok(['render', path]);
    await s.ok(['inspect', 'example.com/late']);
  });
});

test('dependencies past --max-dependencies are refused, naming the flag', async (t) => {
  const s = new TestStore(t);
  const need = (name: string) => ({ imageName: `example.com/${name}` });
  await s.ok([
    'import',
    s.aci('c', { name: 'example.com/c' }),
    s.aci('b', { name: 'example.com/b', dependencies: [need('c')] }),
    s.aci('a', { name: 'example.com/a', dependencies: [need('b')] }),
  ]);
  const error = await s.refused(['--max-dependencies', '1', 'render', 'example.com/a'], 'ERR_LIMIT', 1);
  assert.match(error.message, /--max-dependencies/);
  await s.ok(['render', '--max-dependencies', '2', 'example.com/a']);
});
