/** When commands that make trees fetch their image, and whether an argument may bring one into the store. */
import { Option } from 'commander';
import { PULL_POLICIES } from '../engine/core/finding.js';
import { hasScheme } from '../engine/resolve/guess-argument.js';
import { isSource } from '../engine/resolve/source-path.js';

export function pullOption(): Option {
  return new Option('--pull <policy>', 'when to fetch the image').choices([...PULL_POLICIES]).default('missing');
}

/** Whether an argument says by itself that it is something to import or fetch. For that a store is made. */
export function bringsImage(argument: string): boolean {
  return isSource(argument) || hasScheme(argument);
}
