/** The completion script for fish, which shows what options and commands are for. */
import { COMPLETE } from './complete.js';
import { kindOf } from './posix.js';
import type { CommandWords, OptionWords } from './words.js';

export function fish(commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  const top = commands.filter(({ path }) => !path.includes(' '));
  const subsOf = (path: string): CommandWords[] => commands.filter((each) => each.path.startsWith(`${path} `));
  const named = top.flatMap((each) => [each.path, ...each.aliases].map((name) => [name, each.summary] as const));
  const cases = commands.map(({ path, aliases, options, takes, variadic }) => {
    const kinds = takes.map((values, i) => `${kindOf(values)}${variadic && i === takes.length - 1 ? '*' : ''}`);
    const lists: Record<string, readonly string[]> = {
      subs: subsOf(path).map((sub) => told(sub.path.slice(path.length + 1), sub.summary)),
      flags: shown(options),
      valued: valued(options).map(quoted),
      takes: kinds.map(quoted),
    };
    const sets = Object.entries(lists).filter(([, words]) => words.length > 0);
    const patterns = [path, ...aliases].map(quoted).join(' ');
    return `        case ${patterns}\n${sets.map(([name, words]) => `            set ${name} ${words.join(' ')}\n`).join('')}`;
  });
  const values = commands.flatMap(({ path, aliases, options }) =>
    options.flatMap((option) =>
      valueCases(
        [path, ...aliases].map((name) => `${name} `),
        option,
      ),
    ),
  );
  return `# fish completion for cairn
function __cairn_words --no-scope-shadowing
    set subs; set flags; set valued; set takes
    switch "$argv[1]"
        case ''
            set subs ${[...named, ['help', 'show help'] as const].map(([name, text]) => told(name, text)).join(' ')}
        case help
            set takes ${quoted(`=${top.map(({ path }) => path).join(',')}`)}
${cases.join('')}    end
    set -a flags ${shown(globals).join(' ')}
    set -a valued ${valued(globals).map(quoted).join(' ')}
end
function __cairn_values --no-scope-shadowing
    set kind nothing
    switch "$argv[1] $argv[2]"
${[...values, ...globals.flatMap((option) => valueCases(['* '], option))].join('')}    end
end
${BODY}`;
}

/** A word and what it is for, which fish splits at the tab. */
function told(word: string, text: string): string {
  return `${quoted(word)}\\t${quoted(text)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function shown(options: readonly OptionWords[]): string[] {
  return options.filter(({ hidden }) => !hidden).map(({ flags, text }) => told(flags[0] as string, text));
}

function valued(options: readonly OptionWords[]): string[] {
  return options.filter(({ takes }) => takes !== undefined).flatMap(({ flags }) => flags);
}

function valueCases(paths: readonly string[], { flags, takes }: OptionWords): string[] {
  if (takes === undefined || takes.kind === 'nothing') return [];
  const patterns = paths.flatMap((path) => flags.map((flag) => quoted(`${path}${flag}`)));
  return [`        case ${patterns.join(' ')}\n            set kind ${quoted(kindOf(takes))}\n`];
}

const BODY = `function __cairn
    set -l subs; set -l flags; set -l valued; set -l takes; set -l kind nothing
    set -l at ''; set -l option ''; set -l plain ''; set -l head ''; set -l count 0
    set -l typed (commandline -opc)
    set -l program $typed[1]
    set -e typed[1]
    set -l word (commandline -ct | string unescape)
    test (count $word) -eq 0; and set word ''
    __cairn_words ''
    for each in $typed
        if test -n "$option"
            set option ''
            continue
        end
        if test -z "$plain"
            switch $each
                case --
                    set plain 1
                    continue
                case '--*=*'
                    continue
                case '-?*'
                    contains -- $each $valued; and set option $each
                    continue
            end
        end
        if test -z "$at"
            set at $each
            __cairn_words $at
        else if test $count -eq 0; and string match -q -- "$each"\\t'*' $subs
            set at "$at $each"
            __cairn_words $at
        else
            set count (math $count + 1)
        end
    end
    if test -n "$option"
        __cairn_values $at $option
    else if test -z "$plain"; and string match -q -- '--*=*' $word
        set head (string replace -r '=.*' '=' -- $word)
        __cairn_values $at (string replace -r '=.*' '' -- $word)
    else if test -z "$plain"; and string match -q -- '-*' $word
        printf '%s\\n' $flags
        return
    else if test $count -eq 0; and test (count $subs) -gt 0; and test (count $takes) -eq 0
        printf '%s\\n' $subs
        return
    else
        for each in $takes
            set kind (string trim -r -c '*' -- $each)
            test $count -eq 0; and break
            set count (math $count - 1)
            string match -q -- '*\\**' $each; or set kind nothing
        end
    end
    set -l value (string sub -s (math (string length -- $head) + 1) -- $word)
    string match -q -r '^[./~]' -- $value; and test $kind = image; and set kind file
    switch $kind
        case '=*'
            printf "$head%s\\n" (string split , -- (string sub -s 2 -- $kind))
        case file
            __fish_complete_path $value | string replace -r '^' -- $head
        case directory
            __fish_complete_directories $value '' | string replace -r '^' -- $head
        case ask image
            set -l found ($program ${COMPLETE} $typed $word 2>/dev/null)
            if test (count $found) -gt 0
                printf '%s\\n' $found
            else if test $kind = image
                __fish_complete_path $value | string replace -r '^' -- $head
            end
    end
end
complete -c cairn -f -a '(__cairn)'
`;
