/** When commands that make trees fetch their image, and whether an argument may bring one into the store. */
import { type Command, Option } from 'commander';
import { PULL_POLICIES } from '../engine/core/finding.js';
import { hasScheme } from '../engine/resolve/guess-argument.js';
import { isSource } from '../engine/resolve/source-path.js';

export function pullOption(): Option {
  return new Option('--pull <policy>', 'when to fetch the image').choices([...PULL_POLICIES]).default('missing');
}

/** Whether arguments may bring an image in, as they say by themselves, or from a remote. For that a store is made. */
export function bringsImage(command: Command, ...args: string[]): boolean {
  const { remote } = command.optsWithGlobals<{ remote?: string }>();
  return remote !== undefined || args.some((argument) => isSource(argument) || hasScheme(argument));
}
