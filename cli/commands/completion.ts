/** `cairn completion`: prints a completion script for a shell, made from the definitions of all commands. */
import { type Command, Command as NewCommand, type Option } from 'commander';
import type { CommandEntry } from '../command.js';
import { examples } from '../help.js';
import { print } from '../output.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** One command or subcommand, as a shell completes it. */
interface Words {
  /** `import`, `tree ls`. */
  path: string;
  summary: string;
  options: { flag: string; text: string }[];
  subcommands: string[];
}

export function define(command: Command, commands: readonly CommandEntry[]): void {
  command.argument('<shell>', SHELLS.join(', ')).action(async (shell: string, _options: object, self: Command) => {
    if (!isShell(shell)) self.error(`error: no completion for ${shell}; there is one for ${SHELLS.join(', ')}`);
    const words = (await Promise.all(commands.map((entry) => wordsOf(entry, commands)))).flat();
    const globals = optionsOf(self.parent as Command);
    print(SCRIPTS[shell as Shell](words, globals));
  });
  examples(command, ['cairn completion bash > /etc/bash_completion.d/cairn', 'source <(cairn completion zsh)']);
}

function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text);
}

async function wordsOf(
  { name, aliases = [], summary, load }: CommandEntry,
  commands: readonly CommandEntry[],
): Promise<Words[]> {
  const command = new NewCommand(name);
  (await load()).define(command, commands);
  const subcommands = command.commands.map((sub) => sub.name());
  const own = { summary, options: optionsOf(command), subcommands };
  return [
    ...[name, ...aliases].map((path) => ({ path, ...own })),
    ...command.commands.map((sub) => ({
      path: `${name} ${sub.name()}`,
      summary: sub.description(),
      options: optionsOf(sub),
      subcommands: [],
    })),
  ];
}

function optionsOf(command: Command): Words['options'] {
  const shown = command.options.filter((option: Option) => !option.hidden);
  return shown.map((option) => ({
    flag: option.long ?? (option.short as string),
    text: option.description.replaceAll("'", '’'),
  }));
}

const SCRIPTS: Readonly<Record<Shell, (words: Words[], globals: Words['options']) => string>> = { bash, zsh, fish };

function bash(words: Words[], globals: Words['options']): string {
  const flags = (options: Words['options']): string => options.map(({ flag }) => flag).join(' ');
  const top = words.filter(({ path }) => !path.includes(' '));
  const cases = words.map(({ path, options, subcommands }) => {
    const choices = [...subcommands, flags(options), flags(globals)].filter(Boolean).join(' ');
    return `    '${path}') choices='${choices}' ;;\n`;
  });
  return `# bash completion for cairn
_cairn() {
  local word=\${COMP_WORDS[COMP_CWORD]} path= choices= each
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $each == -* ]] && continue
    if [[ -z $path ]]; then path=$each; elif [[ $path == tree || $path == lease ]]; then path="$path $each"; fi
  done
  case "$path" in
    '') choices='${top.map(({ path }) => path).join(' ')} ${flags(globals)}' ;;
${cases.join('')}  esac
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
  [[ $word != -* && \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _cairn cairn
`;
}

function zsh(words: Words[], globals: Words['options']): string {
  return `#compdef cairn
autoload -U +X bashcompinit && bashcompinit
${bash(words, globals)}`;
}

function fish(words: Words[], globals: Words['options']): string {
  const top = words.filter(({ path }) => !path.includes(' '));
  const names = top.map(({ path }) => path).join(' ');
  const lines = ['# fish completion for cairn'];
  const long = (flag: string): string => flag.replace(/^--?/, '');
  for (const { flag, text } of globals) lines.push(`complete -c cairn -l ${long(flag)} -d '${text}'`);
  for (const { path, summary, options, subcommands } of words) {
    const [first, second] = path.split(' ') as [string, string | undefined];
    if (second === undefined) {
      lines.push(
        `complete -c cairn -n 'not __fish_seen_subcommand_from ${names}' -a ${first} -d '${summary.replaceAll("'", '’')}'`,
      );
      for (const sub of subcommands)
        lines.push(`complete -c cairn -n '__fish_seen_subcommand_from ${first}' -a ${sub}`);
    }
    const seen = `__fish_seen_subcommand_from ${first}${second === undefined ? '' : `; and __fish_seen_subcommand_from ${second}`}`;
    for (const { flag, text } of options) lines.push(`complete -c cairn -n '${seen}' -l ${long(flag)} -d '${text}'`);
  }
  return `${lines.join('\n')}\n`;
}
