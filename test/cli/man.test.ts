/** Manual pages: they say what the help says, and roff reads them without a complaint. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { COMMANDS } from '../../cli/commands.js';
import { defineCommand, programOf } from '../../cli/definition.js';
import { examplesOf } from '../../cli/help.js';
import { TestStore } from '../fixtures/store.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAN = join(ROOT, 'dist', 'man');
const PAGES = fs.readdirSync(MAN).map((name) => join(MAN, name));
const HAS_GROFF = spawnSync('groff', ['--version']).status === 0;

const PROGRAM = programOf('0', false);
const DEFINED = await Promise.all(COMMANDS.map((entry) => defineCommand(PROGRAM, entry, COMMANDS)));

/** A page as people read it, in lines that do not end before a sentence does. */
function readable(file: string): string {
  const text = execFileSync('groff', ['-man', '-Tascii', '-P-c', '-rLL=2000n', file], { encoding: 'utf8' });
  return text.replace(/.\x08/g, '');
}

/** All that the help of a command tells of. */
function toldBy(command: Command): string[] {
  const { registeredArguments } = command;
  const options = command.options.filter(({ hidden }) => !hidden);
  return [
    ...registeredArguments.flatMap((argument) => [argument.name(), argument.description]),
    ...options.flatMap(({ flags, description, argChoices = [] }) => [flags, description, ...argChoices]),
    ...examplesOf(command),
    ...command.commands.flatMap((sub) => [sub.name(), sub.description(), ...toldBy(sub)]),
  ];
}

const plain = (text: string): string => text.replaceAll('’', "'").replaceAll('…', '...').replace(/\s+/g, ' ');

test('there is a page for the program and for each command, and package.json names them all', () => {
  const expected = ['cairn.1', ...COMMANDS.map(({ name }) => `cairn-${name}.1`)];
  assert.deepEqual(fs.readdirSync(MAN).toSorted(), expected.toSorted());
  const { man } = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')) as { man: string[] };
  assert.deepEqual(man.toSorted(), expected.map((name) => `./dist/man/${name}`).toSorted());
});

test('roff has nothing to complain of', { skip: HAS_GROFF ? false : 'there is no groff' }, () => {
  for (const file of PAGES) {
    for (const device of ['ascii', 'utf8']) {
      const { status, stderr } = spawnSync('groff', ['-man', `-T${device}`, '-ww', file], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, ''], file);
    }
  }
});

test('a page has every argument, option, choice and example', { skip: HAS_GROFF ? false : 'there is no groff' }, () => {
  for (const command of [PROGRAM, ...DEFINED]) {
    const isProgram = command === PROGRAM;
    const file = join(MAN, isProgram ? 'cairn.1' : `cairn-${command.name()}.1`);
    const page = plain(readable(file));
    // Opposites of flags have no description, and are told of as a whole.
    const described = PROGRAM.options.filter(({ description }) => description !== '');
    const options = described.flatMap(({ flags, description }) => [flags, description]);
    const told = isProgram
      ? [...options, ...DEFINED.flatMap((each) => [each.name(), ...each.aliases(), each.summary()])]
      : [...toldBy(command), ...command.aliases(), command.description()];
    for (const text of [...told, '--help', '--store', 'EXIT STATUS', '130', 'CAIRN_STORE', 'FILES', 'SEE ALSO'])
      assert.ok(page.includes(plain(text)), `${file} has no ${text}`);
  }
});

test('the program prints the pages that were built', async (t) => {
  const s = new TestStore(t);
  for (const [args, file] of [
    [[], 'cairn.1'],
    [['import'], 'cairn-import.1'],
    [['rmi'], 'cairn-rm.1'],
    [['tree'], 'cairn-tree.1'],
  ] as const) {
    const { stdout } = await s.ok(['man', ...args]);
    assert.equal(stdout.toString(), fs.readFileSync(join(MAN, file), 'utf8'));
  }
  await s.refused(['man', 'nothing'], 'ERR_USAGE', 2);
  assert.match((await s.ok(['--help'])).stdout.toString(), /^ {2}man .*print a manual page$/m);
});
