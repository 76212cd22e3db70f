/** `cairn man`: prints a manual page, made from the definitions of all commands. */
import { Argument, type Command } from 'commander';
import type { CommandEntry } from '../command.js';
import { defineCommand, programOf } from '../definition.js';
import { examples } from '../help.js';
import { commandPage, programPage } from '../manual/page.js';
import { print } from '../output.js';

export function define(command: Command, commands: readonly CommandEntry[]): void {
  const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const which = new Argument('[command]', 'of which command (default: of the whole program)').argParser(
    (name: string) => {
      if (!names.includes(name)) command.error(`error: unknown command '${name}'`);
      return name;
    },
  );
  command.addArgument(which).action(async (name: string | undefined, _options: object, self: Command) => {
    const program = programOf(self.parent?.version() ?? '', false);
    const all = await Promise.all(commands.map((entry) => defineCommand(program, entry, commands)));
    const found = all.find((each) => each.name() === name || each.aliases().includes(name ?? ''));
    print(found === undefined ? programPage(program, all) : commandPage(found));
  });
  examples(command, ['cairn man | man -l -', 'cairn man import > cairn-import.1']);
}
