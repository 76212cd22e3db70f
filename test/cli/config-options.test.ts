/** Every option of every command: a file's value does what the command line's does, and a misspelled key is told. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Command, Option } from 'commander';
import fc from 'fast-check';
import { stringify, type TomlTable, type TomlValue } from 'smol-toml';
import { COMMANDS } from '../../cli/commands.js';
import { takeFromFiles } from '../../cli/config/apply.js';
import { checkTable, type Scope, type Setting } from '../../cli/config/check.js';
import { isFlag, optionsByKey } from '../../cli/config/key.js';
import { loadFile } from '../../cli/config/load.js';
import { whyOnce } from '../../cli/config/once.js';
import { isRepeated } from '../../cli/config/repeated.js';
import { defineCommand, programOf } from '../../cli/definition.js';
import { CairnError } from '../../engine/core/errors.js';
import { blocksIn } from '../docs/blocks.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { ROOT } from '../house/sources.js';

async function wholeScope(): Promise<Scope> {
  const program = programOf('0', false);
  for (const entry of COMMANDS) await defineCommand(program, entry, COMMANDS);
  return { program, commands: COMMANDS };
}

const SCOPE = await wholeScope();

interface Case {
  path: readonly string[];
  key: string;
  option: Option;
}

function casesBelow(command: Command, path: readonly string[] = []): Case[] {
  const own = [...optionsByKey(command)].map(([key, option]) => ({ path, key, option }));
  return [...own, ...command.commands.flatMap((sub) => casesBelow(sub, [...path, sub.name()]))];
}

const CASES = casesBelow(SCOPE.program);
const SETTABLE = CASES.filter(({ key }) => whyOnce(key) === undefined);

const entryOf = ({ path, key }: Pick<Case, 'path' | 'key'>): string => [...path, key].join('.');

/** `{ tree: { diff: { stat: true } } }`. */
function tableOf({ path, key }: Pick<Case, 'path' | 'key'>, value: TomlValue): TomlTable {
  return path.reduceRight<TomlTable>((table, name) => ({ [name]: table }), { [key]: value });
}

/** Values that parsers of options take, as somebody types them. */
const TYPED = ['3', '1h30m', '500MB', 'os=linux', 'tls', 'running'];

/** Values of a file, and what to type for them. */
type Pair = readonly [value: TomlValue, typed: readonly string[]];

function pairsOf({ key, option }: Case): Pair[] {
  const flag = `--${key}`;
  const give = (text: string): string => `${flag}=${text}`;
  if (isFlag(option))
    return [
      [true, [flag]],
      [false, [`--no-${key}`]],
    ];
  if (option.argChoices !== undefined) return option.argChoices.map((word) => [word, [give(word)]]);
  if (key === 'store') return [['/srv/store', [give('/srv/store')]]];
  if (option.parseArg === undefined) return [['a text', [give('a text')]]];
  const taken = TYPED.filter((text) => isTaken(option, text));
  assert.ok(taken.length > 0, `${flag}: no value that it takes is known here`);
  return [
    ...taken.map((text): Pair => [text, [give(text)]]),
    ...(isTaken(option, '3') ? [[3, [give('3')]] as Pair] : []),
    ...(isRepeated(option.parseArg)
      ? [
          [
            ['a=1', 'b=2'],
            [give('a=1'), give('b=2')],
          ] as Pair,
        ]
      : []),
  ];
}

function isTaken({ parseArg }: Option, text: string): boolean {
  try {
    parseArg?.(text, undefined);
    return true;
  } catch {
    return false;
  }
}

/** What a command would be run with. */
async function optionsOf(file: string, { path }: Case, typed: readonly string[]): Promise<Record<string, unknown>> {
  const entry = COMMANDS.find(({ name }) => name === (path[0] ?? 'ls'));
  assert.ok(entry !== undefined);
  const program = programOf('0', false);
  let command = await defineCommand(program, entry, COMMANDS);
  for (const name of path.slice(1)) command = command.commands.find((sub) => sub.name() === name) as Command;
  let found: Record<string, unknown> | undefined;
  command.action(() => {
    found = command.optsWithGlobals();
  });
  const taken = command.registeredArguments.filter(({ required }) => required);
  const words = path.length === 0 ? ['ls'] : path;
  const needed = command.options
    .filter(({ mandatory }) => mandatory)
    .map(({ long, argChoices }) => `${long}=${argChoices?.[0] ?? '1h'}`);
  takeFromFiles({ program, commands: COMMANDS });
  const all = ['--config', file, ...words, ...needed, ...typed, ...taken.map((each) => each.argChoices?.[0] ?? 'x')];
  await program.parseAsync(all, { from: 'user' });
  assert.ok(found !== undefined, all.join(' '));
  const { config: _config, ...rest } = found;
  return rest;
}

function fileOf(t: TestContext): (table: TomlTable) => string {
  const file = join(temporaryDirectory(t), 'cairn.toml');
  return (table) => {
    fs.writeFileSync(file, stringify(table));
    return file;
  };
}

test('the walk sees the options of all commands', () => {
  const seen = SETTABLE.map(entryOf);
  for (const entry of ['workers', 'max-entries', 'progress', 'gc.grace-period', 'tree.diff.stat', 'lease.add.ttl'])
    assert.ok(seen.includes(entry), entry);
  assert.ok(seen.length > 50);
});

test('a value in a file does what it does on the command line', async (t) => {
  const write = fileOf(t);
  for (const each of SETTABLE) {
    // The word of the command line would count more, and no command runs without it.
    if (each.option.mandatory) continue;
    for (const [value, typed] of pairsOf(each)) {
      const told = `${entryOf(each)} = ${JSON.stringify(value)}`;
      const byFile = await optionsOf(write(tableOf(each, value)), each, []);
      assert.deepEqual(byFile, await optionsOf(write({}), each, typed), told);
    }
  }
});

test('what the command line says wins, and nothing is left of what a file said', async (t) => {
  const write = fileOf(t);
  for (const each of SETTABLE) {
    for (const [, typed] of pairsOf(each)) {
      const wanted = await optionsOf(write({}), each, typed);
      for (const [value] of pairsOf(each)) {
        const found = await optionsOf(write(tableOf(each, value)), each, typed);
        assert.deepEqual(found, wanted, `${entryOf(each)} = ${JSON.stringify(value)}, ${typed}`);
      }
    }
  }
});

test('a text in a file is the text on the command line, whatever it is', async (t) => {
  const write = fileOf(t);
  const texts = SETTABLE.filter(
    ({ option, key }) => !isFlag(option) && option.parseArg === undefined && key !== 'store',
  );
  assert.ok(texts.length > 2);
  const text = fc.string({ unit: 'binary' });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...texts), text, async (each, value) => {
      const byFile = await optionsOf(write(tableOf(each, value)), each, []);
      assert.deepEqual(byFile, await optionsOf(write({}), each, [`--${each.key}=${value}`]));
    }),
    { numRuns: 60 },
  );
});

function check(table: TomlTable): (Setting | CairnError)[] {
  return [...checkTable(table, { kind: 'user', file: '/f' }, SCOPE)];
}

/** A word with one mistake. */
const misspelled = (word: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(word.length - 1), fc.constantFrom('a', 'z', '-', '_', ''), fc.boolean())
    .map(([at, by, replaces]) => word.slice(0, at) + by + word.slice(replaces ? at + 1 : at));

test('a misspelled key is refused, and the right one suggested', () => {
  const named = fc
    .constantFrom(...SETTABLE)
    .chain((each) => fc.tuple(fc.constant(each), misspelled(each.key)))
    .filter(([{ path }, typed]) => !CASES.some((other) => entryOf(other) === entryOf({ path, key: typed })));
  fc.assert(
    fc.property(named, ([{ path, key }, typed]) => {
      const [fault, ...more] = check(tableOf({ path, key: typed }, true));
      assert.ok(fault instanceof CairnError && more.length === 0);
      assert.deepEqual([fault.code, fault.path, fault.entry], ['ERR_CONFIG', '/f', entryOf({ path, key: typed })]);
      assert.ok(fault.candidates?.includes(key), `${typed}: ${fault.candidates}`);
    }),
  );
});

test('a misspelled table is refused, and the right one suggested', () => {
  const named = fc
    .constantFrom(...COMMANDS.map(({ name }) => name))
    .chain((name) => fc.tuple(fc.constant(name), misspelled(name)))
    .filter(([, typed]) => !COMMANDS.some(({ name, aliases = [] }) => name === typed || aliases.includes(typed)));
  fc.assert(
    fc.property(named, ([name, typed]) => {
      const [fault] = check({ [typed]: { any: 1 } });
      assert.ok(fault instanceof CairnError);
      assert.deepEqual([fault.code, fault.entry], ['ERR_CONFIG', typed]);
      // Short names have more than three neighbours.
      assert.ok(name.length < 4 || fault.candidates?.includes(name), `${typed}: ${fault.candidates}`);
    }),
  );
});

test('a value of another kind is refused, with what is expected', () => {
  const others: TomlValue[] = [1.5, Number.NaN, true, '', 'no such', [], ['x'], [[1]], new Date(0) as never];
  for (const each of SETTABLE) {
    for (const value of others) {
      const [found] = check(tableOf(each, value));
      const right = found instanceof CairnError ? undefined : found?.raw;
      if (right !== undefined) continue;
      assert.ok(found instanceof CairnError);
      assert.deepEqual([found.code, found.entry], ['ERR_CONFIG', entryOf(each)]);
    }
    const kinds = check(tableOf(each, isFlag(each.option) ? 'true' : true));
    assert.match(String(kinds[0]), /must be (?:true or false|a text\b.*), not /, entryOf(each));
  }
});

test('what is for one time is refused, with the reason', () => {
  const refused = CASES.filter(({ key }) => whyOnce(key) !== undefined);
  assert.ok(refused.length > 10);
  for (const each of refused) {
    const [fault] = check(tableOf(each, isFlag(each.option) ? true : 'x'));
    assert.match(String(fault), /no file can say this: (?:it|files) /, entryOf(each));
  }
});

test('an option that is given several times is known for one', () => {
  for (const { option, key } of CASES) {
    const { parseArg } = option;
    const [text] = parseArg === undefined ? [] : TYPED.filter((each) => isTaken(option, each));
    if (parseArg === undefined || text === undefined) continue;
    const other = key === 'filter' ? 'other=1' : text;
    const before = parseArg(other, undefined);
    const isSame = JSON.stringify(parseArg(text, before)) === JSON.stringify(parseArg(text, undefined));
    assert.equal(isSame, !isRepeated(parseArg), key);
  }
});

test('the example of the page is right, and has all that a file can say', async (t) => {
  const page = fs.readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
  const [example] = blocksIn('', page).filter(({ language }) => language === 'toml');
  const file = join(temporaryDirectory(t), 'cairn.toml');
  fs.writeFileSync(file, example?.text ?? '');
  const { settings, faults } = await loadFile({ kind: 'user', file }, SCOPE);
  assert.deepEqual(faults, []);
  assert.deepEqual(settings.map(({ entry }) => entry).toSorted(), SETTABLE.map(entryOf).toSorted());
});

test('the page names all that no file can say', () => {
  const page = fs.readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
  for (const { key } of CASES) if (whyOnce(key) !== undefined) assert.ok(page.includes(`\`--${key}\``), key);
});
