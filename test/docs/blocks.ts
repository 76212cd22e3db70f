/**
 * Blocks of code in a page. A comment of HTML before a block says what the tests make of it:
 * `<!-- not run: why -->` leaves it out, `<!-- numbers vary -->` masks all numbers in its output.
 */
export interface Block {
  /** `README.md:42`, of its first line. */
  at: string;
  language: string;
  text: string;
  /** Why it cannot run here. */
  notRun?: string;
  numbersVary: boolean;
}

/** A command of a block, with its output where the page shows any. */
export interface Step {
  at: string;
  command: string;
  output?: string;
  numbersVary: boolean;
}

export function blocksIn(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let comment = '';
  let open: { language: string; from: number; lines: string[] } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^```(\S*)/.exec(line);
    if (open !== undefined && fence !== null) {
      blocks.push(blockOf(`${page}:${open.from}`, open, comment));
      comment = '';
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else if (fence !== null) open = { language: fence[1] as string, from: i + 2, lines: [] };
    else if (line !== '') comment = /^<!-- (.*) -->$/.exec(line)?.[1] ?? '';
  }
  return blocks;
}

function blockOf(at: string, { language, lines }: { language: string; lines: string[] }, comment: string): Block {
  const notRun = /^not run: (.+)$/.exec(comment)?.[1];
  return {
    at,
    language,
    text: lines.join('\n'),
    numbersVary: comment === 'numbers vary',
    ...(notRun === undefined ? {} : { notRun }),
  };
}

/** A `sh` block is one step, whose output nobody shows. In a `console` block each `$ ` begins one; `> ` goes on. */
export function stepsOf({ at, language, text, numbersVary }: Block): Step[] {
  if (language === 'sh') return [{ at, command: text, numbersVary }];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const lines = part.replace(/\n$/, '').split('\n');
      const end = lines.findIndex((line, i) => i > 0 && !line.startsWith('> '));
      const [command, output] = end < 0 ? [lines, []] : [lines.slice(0, end), lines.slice(end)];
      const script = command.map((line, i) => (i === 0 ? line : line.slice(2))).join('\n');
      return { at: `${at}: ${command[0]}`, command: script, output: output.join('\n'), numbersVary };
    });
}

/** What differs from run to run, and what stands for it. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  // Pages show what root sees. Others are told, beside all the same, which metadata they could not set.
  [/^cairn: not set: .*(?:\n|$)/gm, ''],
  [/sha512-[0-9a-f]{2,128}…?/g, 'sha512-#'],
  [/sha256:[0-9a-f]{2,64}…?/g, 'sha256:#'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b\d{4}-\d\d-\d\dT\d\d[:-]\d\d[:-]\d\d(?:\.\d+)?Z/g, 'TIME'],
  [/\b[0-9a-f]{12,128}\b…?/g, 'HASH'],
  [/\b\d+(?:\.\d+)? (?:B|KB|MB|GB)\b/g, 'SIZE'],
  [/\b\d+ bytes\b/g, 'SIZE'],
  [/\b\d+ ms\b|\b\d+\.\d+ s\b/g, 'DURATION'],
  [/\b\d+[smhd] ago\b/g, 'AGE'],
  [/(?<= )\d+:\d+(?= )/g, 'OWNER'],
  [/[ \t]+/g, ' '],
  [/ $/gm, ''],
];

export function masked(text: string, numbersVary: boolean): string {
  const plain = MASKS.reduce((masking, [what, by]) => masking.replace(what, by), text).trim();
  return numbersVary ? plain.replace(/\d+/g, 'N') : plain;
}

/** Whether a text is what a page shows. A `…` in the page stands for anything, on a line of its own for any lines. */
export function isShown(actual: string, shown: string): boolean {
  const pattern = shown
    .split('\n')
    .map((line) => (line === '…' ? '[^]*?' : line.split('…').map(escaped).join('.*?')))
    .join('\n')
    .replaceAll('\n[^]*?', '(?:\n[^]*)?');
  return new RegExp(`^${pattern}$`).test(actual);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
