/** Keys of a file: options by their long names. */
import { type Command, Option } from 'commander';
import { whyOnce } from './once.js';

/** All options of a command by their keys, also those that no file can give. An opposite has no key of its own. */
export function optionsByKey(command: Command): Map<string, Option> {
  const options = command.options.filter(({ negate }) => !negate);
  return new Map(options.map((option) => [keyOf(option), option]));
}

export function isFlag({ required, optional }: Option): boolean {
  return !required && !optional;
}

/**
 * Adds to each flag its opposite, such as `--no-quiet` and `--progress`, so that the command line can take back what a
 * file says.
 */
export function addOpposites(command: Command): void {
  for (const option of [...command.options]) {
    if (!isFlag(option) || whyOnce(keyOf(option)) !== undefined) continue;
    const long = `--${option.negate ? '' : 'no-'}${keyOf(option)}`;
    if (command.options.every((other) => other.long !== long)) command.addOption(new Option(long).hideHelp());
  }
}

function keyOf({ long = '', negate }: Option): string {
  return long.slice(negate ? '--no-'.length : '--'.length);
}
