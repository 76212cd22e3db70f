/** Completion scripts for bash and zsh. Both know the words by themselves; they ask the program what a store has. */
import { COMPLETE } from './complete.js';
import type { CommandWords, Kind, OptionWords, Values } from './words.js';

/**
 * The tables, as functions that both shells understand. `_cairn_words` tells of a command its subcommands, its options,
 * those of them that take a value, and what its arguments are; `_cairn_values` what an option takes.
 */
function tables(commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  const top = commands.filter(({ path }) => !path.includes(' '));
  const names = top.flatMap(({ path, aliases }) => [path, ...aliases]);
  const cases = commands.map((each) => {
    const { path, aliases, options, takes, variadic } = each;
    const subs = commands.filter((other) => other.path.startsWith(`${path} `)).map((sub) => lastWord(sub.path));
    const kinds = takes.map((values, i) => `${kindOf(values)}${variadic && i === takes.length - 1 ? '*' : ''}`);
    const patterns = [path, ...aliases].map((name) => `'${name}'`).join('|');
    const sets = { subs, flags: shown(options), valued: valued(options), takes: kinds };
    return `    ${patterns}) ${assignments(sets)} ;;`;
  });
  const values = commands.flatMap(({ path, aliases, options }) =>
    [path, ...aliases].flatMap((name) => options.flatMap((option) => valueCases(`'${name} `, option, "'"))),
  );
  return `_cairn_words() {
  subs= flags= valued= takes=
  case $1 in
    '') subs='${[...names, 'help'].join(' ')}' ;;
    'help') takes='=${top.map(({ path }) => path).join(',')}' ;;
${cases.join('\n')}
  esac
  flags="$flags ${shown(globals).join(' ')}" valued="$valued ${valued(globals).join(' ')}"
}
_cairn_values() {
  case "$1 $2" in
${[...values, ...globals.flatMap((option) => valueCases("*' ", option, "'"))].join('\n')}
    *) kind=nothing ;;
  esac
}
`;
}

function lastWord(path: string): string {
  return path.slice(path.lastIndexOf(' ') + 1);
}

function assignments(sets: Readonly<Record<string, readonly string[]>>): string {
  const filled = Object.entries(sets).filter(([, words]) => words.length > 0);
  return filled.map(([name, words]) => `${name}='${words.join(' ')}'`).join(' ');
}

function shown(options: readonly OptionWords[]): string[] {
  return options.filter(({ hidden }) => !hidden).map(({ flags }) => flags[0] as string);
}

function valued(options: readonly OptionWords[]): string[] {
  return options.filter(({ takes }) => takes !== undefined).flatMap(({ flags }) => flags);
}

function valueCases(before: string, { flags, takes }: OptionWords, after: string): string[] {
  if (takes === undefined || takes.kind === 'nothing') return [];
  return [`    ${flags.map((flag) => `${before}${flag}${after}`).join('|')}) kind='${kindOf(takes)}' ;;`];
}

const ASKED: ReadonlySet<Kind> = new Set<Kind>([
  ...(['name', 'reference', 'tree', 'lease', 'blob', 'image path'] as const),
  ...(['trusted key', 'command'] as const),
]);

/** `=a,b` for words, `ask` for what a store has, and else what the scripts know by the same name. */
export function kindOf({ kind, words = [] }: Values): string {
  if (kind === 'words') return `=${words.join(',')}`;
  return ASKED.has(kind) ? 'ask' : kind;
}

/** Reads what is typed before the cursor; the same in both shells, but for how they split `takes` into words. */
const readTyped = (takes: string): string => `  _cairn_words ''
  for each in "\${before[@]}"; do
    if [[ -n $option ]]; then option=; continue; fi
    if [[ -z $plain ]]; then
      case $each in
        --) plain=1; continue ;;
        --*=*) continue ;;
        -?*) [[ " $valued " == *" $each "* ]] && option=$each; continue ;;
      esac
    fi
    if [[ -z $at ]]; then at=$each; _cairn_words "$at"
    elif (( count == 0 )) && [[ " $subs " == *" $each "* ]]; then at="$at $each"; _cairn_words "$at"
    else (( count += 1 )); fi
  done
  if [[ -n $option ]]; then _cairn_values "$at" "$option"
  elif [[ -z $plain && $word == --*=* ]]; then head="\${word%%=*}="; _cairn_values "$at" "\${word%%=*}"
  elif [[ -z $plain && $word == -* ]]; then kind="=\${flags// /,}"
  elif [[ -n $subs && -z $takes && $count -eq 0 ]]; then kind="=\${subs// /,}"
  else
    # The last kind is that of all that follow, if it has a star.
    kind=nothing
    for each in ${takes}; do
      kind=\${each%\\*}
      (( count == 0 )) && break
      (( count -= 1 ))
      [[ $each != *\\* ]] && kind=nothing
    done
  fi
  [[ $kind == image && $word == [./~]* ]] && kind=file
`;

export function bash(commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  return `# bash completion for cairn
${tables(commands, globals)}_cairn() {
  local -a typed=() before=() found=()
  local subs flags valued takes at= option= plain= head= count=0 kind= each word joined= i
  # Bash splits words at colons and equals signs: what it has split is put together again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    each=\${COMP_WORDS[i]}
    if [[ -z $each && \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]]; then joined=; fi
    if ((\${#typed[@]})) && [[ -n $joined || ( $each == [:=]* && $COMP_WORDBREAKS == *"\${each:0:1}"* ) ]]; then
      typed[\${#typed[@]}-1]+=$each
    else
      typed+=("$each")
    fi
    joined=
    [[ $each == *[:=] && $COMP_WORDBREAKS == *"\${each: -1}"* ]] && joined=1
  done
  # Quotes are for the shell alone.
  for ((i = 0; i < \${#typed[@]}; i++)); do
    each=\${typed[i]//[\\"\\'\\\\]/}
    [[ $each == '~/'* ]] && each=$HOME/\${each#'~/'}
    typed[i]=$each
  done
  word=\${typed[\${#typed[@]}-1]}
  before=("\${typed[@]:0:\${#typed[@]}-1}")
${readTyped('$takes')}  case $kind in
    '='*) found=($(compgen -P "$head" -W "\${kind//[=,]/ }" -- "\${word#"$head"}")) ;;
    file) compopt -o default 2>/dev/null || found=($(IFS= compgen -f -- "\${word#"$head"}")) ;;
    directory) compopt -o dirnames 2>/dev/null || found=($(IFS= compgen -d -- "\${word#"$head"}")) ;;
    ask | image)
      while IFS= read -r each; do
        found+=("$each")
      done < <("\${COMP_WORDS[0]/#~\\//$HOME/}" ${COMPLETE} "\${typed[@]}" 2>/dev/null)
      [[ $kind == image && \${#found[@]} -eq 0 ]] &&
        { compopt -o default 2>/dev/null || found=($(IFS= compgen -f -- "\${word#"$head"}")); } ;;
  esac
  # Bash replaces only what follows the last of its breaks.
  head=$word
  while [[ -n $head ]]; do
    [[ $head == *[:=] && $COMP_WORDBREAKS == *"\${head: -1}"* ]] && break
    head=\${head%?}
  done
  COMPREPLY=("\${found[@]#"$head"}")
  [[ \${#found[@]} -eq 1 && \${found[0]} == *: ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _cairn cairn
`;
}

export function zsh(commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  return `#compdef cairn
${tables(commands, globals)}_cairn() {
  local -a typed before found
  local subs flags valued takes at= option= plain= head= kind= each word
  integer count=0
  typed=("\${(@Q)words[2,CURRENT]}")
  word=$typed[-1]
  before=("\${(@)typed[1,-2]}")
${readTyped('$=takes')}  [[ -n $head ]] && compset -P '*='
  case $kind in
    '='*) found=(\${(s:,:)kind[2,-1]}) ;;
    file) _files ;;
    directory) _files -/ ;;
    ask | image)
      found=("\${(@f)$("\${(Q)words[1]/#\\~\\//$HOME/}" ${COMPLETE} "\${typed[@]}" 2>/dev/null)}")
      found=(\${found#$head})
      [[ $kind == image && $#found -eq 0 ]] && _files ;;
  esac
  (( $#found )) || return 0
  if [[ $found[1] == *: ]]; then compadd -S '' -- "\${found[@]}"; else compadd -- "\${found[@]}"; fi
}
# As a file of $fpath this is the function's own body; else it is read once, and makes the function known.
if [[ $funcstack[1] == _cairn ]]; then
  _cairn "$@"
else
  (( $+functions[compdef] )) || { autoload -U compinit && compinit; }
  compdef _cairn cairn
fi
`;
}
