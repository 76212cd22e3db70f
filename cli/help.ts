/** Examples, which end a command's help and stand in its manual page. */
import type { Command } from 'commander';

const EXAMPLES = new WeakMap<Command, readonly string[]>();

export function examples(command: Command, lines: readonly string[]): void {
  EXAMPLES.set(command, lines);
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`);
}

export function examplesOf(command: Command): readonly string[] {
  return EXAMPLES.get(command) ?? [];
}
