/** Values of a file, read by the parsers that read the command line: `7d` and `500MB` mean the same in both. */
import { CommanderError, type Option } from 'commander';
import type { TomlValue } from 'smol-toml';
import { isCairnError } from '../../engine/core/errors.js';
import { nearest } from '../../engine/core/near.js';
import { printable } from '../../engine/core/printable.js';
import { isFlag } from './key.js';
import { isRepeated } from './repeated.js';

/** What an option makes of a value, or why it does not take it: `expected` says what kind it takes, `why` the rule. */
export type Read = { value: unknown } | { expected: string } | { why: string; candidates: readonly string[] };

export function readValue(option: Option, value: TomlValue): Read {
  if (isFlag(option)) return typeof value === 'boolean' ? { value } : { expected: 'true or false' };
  const texts = textsIn(option, value);
  if (texts === undefined) return { expected: kindOf(option) };
  try {
    return { value: texts.reduce((before, text) => parse(option, text, before), undefined as unknown) };
  } catch (error) {
    if (!(error instanceof CommanderError) && !isCairnError(error, 'ERR_USAGE')) throw error;
    const candidates = typeof value === 'string' ? nearest(value, option.argChoices ?? []) : [];
    return { why: error.message, candidates };
  }
}

/** A value for people, as TOML has it, more or less. The user and password of a URL are left out. */
export function shownValue(value: TomlValue): string {
  return printable(withoutSecrets(typeof value === 'number' ? String(value) : JSON.stringify(value)));
}

export function withoutSecrets(text: string): string {
  return text.replace(/:\/\/[^/?#\s]*@/g, '://');
}

/** What somebody would have typed; undefined for a value of another kind. */
function textsIn(option: Option, value: TomlValue): string[] | undefined {
  const values = Array.isArray(value) && takesSeveral(option) ? value : [value];
  const texts = values.map((each) => {
    if (typeof each === 'number' && takesNumbers(option)) return String(each);
    return typeof each === 'string' ? each : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function parse({ parseArg }: Option, text: string, before: unknown): unknown {
  return parseArg === undefined ? text : parseArg(text, before);
}

function kindOf(option: Option): string {
  const one = takesNumbers(option) ? 'a text or a number' : 'a text';
  return takesSeveral(option) ? `${one}, or a list of such` : one;
}

/** What has a parser of its own counts something; choices are words. */
function takesNumbers({ parseArg, argChoices }: Option): boolean {
  return parseArg !== undefined && argChoices === undefined;
}

function takesSeveral({ parseArg }: Option): boolean {
  return isRepeated(parseArg);
}
