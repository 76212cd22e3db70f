/** `cairn completion`: prints a completion script for a shell, made from the definitions of all commands. */
import { Argument, type Command } from 'commander';
import type { CommandEntry } from '../command.js';
import { fish } from '../completion/fish.js';
import { bash, zsh } from '../completion/posix.js';
import { allWordsOf, type CommandWords, type OptionWords, wordsOf } from '../completion/words.js';
import { defineCommand, programOf } from '../definition.js';
import { examples } from '../help.js';
import { print } from '../output.js';

type Script = (commands: readonly CommandWords[], globals: readonly OptionWords[]) => string;

const SCRIPTS = { bash, zsh, fish } satisfies Record<string, Script>;

export function define(command: Command, commands: readonly CommandEntry[]): void {
  const shells = new Argument('<shell>', 'which one').choices(Object.keys(SCRIPTS));
  command.addArgument(shells).action(async (shell: keyof typeof SCRIPTS) => {
    const program = programOf('', false);
    const defined = await Promise.all(commands.map((entry) => defineCommand(program, entry, commands)));
    print(SCRIPTS[shell](defined.flatMap(allWordsOf), wordsOf(program, '').options));
  });
  examples(command, ['cairn completion bash > /etc/bash_completion.d/cairn', 'source <(cairn completion zsh)']);
}
