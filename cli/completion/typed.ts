/** Reads a command line that is still being typed. */
import type { CommandWords, OptionWords, Values } from './words.js';

/** What the word under the cursor can be. */
export type Wanted =
  | { what: 'command' }
  | { what: 'subcommand' }
  | { what: 'option' }
  /** `before` goes in front of each value: `--mode=`. Some values may stand where a subcommand may, too. */
  | { what: 'value'; values: Values; before: string; orSubcommand?: true };

/** What is known of the program and of the command that is being typed. */
export interface Known {
  /** Options that go with every command. */
  options: readonly OptionWords[];
  /** The words of a command, of its subcommand too. */
  find: (path: string) => CommandWords | undefined;
  subcommands: (path: string) => readonly string[];
}

export interface Typed {
  path: string;
  /** Values of options that came before. */
  given: ReadonlyMap<string, string>;
  wanted: Wanted;
}

const NOTHING: Values = { kind: 'nothing' };

/** @param words all that come after the program's name, and last the one under the cursor, which may be empty */
export function readTyped(words: readonly string[], known: Known): Typed {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  const given = new Map<string, string>();
  let path = '';
  let position = 0;
  let open: OptionWords | undefined;
  let onlyArguments = false;
  const optionAt = (flag: string): OptionWords | undefined =>
    [...known.options, ...(known.find(path)?.options ?? [])].find(({ flags }) => flags.includes(flag));
  for (const each of before) {
    if (open !== undefined) {
      given.set(open.flags[0] as string, each);
      open = undefined;
    } else if (!onlyArguments && each === '--') onlyArguments = true;
    else if (!onlyArguments && /^--[^=]+=/.test(each)) given.set(...splitOption(each));
    else if (!onlyArguments && /^-./.test(each)) {
      const option = optionAt(each);
      if (option?.takes !== undefined) open = option;
    } else if (path === '') path = each;
    else if (position === 0 && known.subcommands(path).includes(each)) path = `${path} ${each}`;
    else position++;
  }
  return { path, given, wanted: wantedAt() };

  function wantedAt(): Wanted {
    if (open !== undefined) return { what: 'value', values: open.takes ?? NOTHING, before: '' };
    if (!onlyArguments && /^--[^=]+=/.test(word)) {
      const [flag] = splitOption(word);
      return { what: 'value', values: optionAt(flag)?.takes ?? NOTHING, before: `${flag}=` };
    }
    if (!onlyArguments && word.startsWith('-')) return { what: 'option' };
    if (path === '') return { what: 'command' };
    const { takes = [], variadic = false } = known.find(path) ?? {};
    const hasSubcommands = position === 0 && known.subcommands(path).length > 0;
    if (hasSubcommands && takes.length === 0) return { what: 'subcommand' };
    const values = takes[position] ?? (variadic ? takes.at(-1) : undefined) ?? NOTHING;
    return { what: 'value', values, before: '', ...(hasSubcommands ? { orSubcommand: true } : {}) };
  }
}

function splitOption(word: string): [flag: string, value: string] {
  const equals = word.indexOf('=');
  return [word.slice(0, equals), word.slice(equals + 1)];
}
