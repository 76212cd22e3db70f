/** Finds the program that an app runs, as exec(3) would in the app's root (rkt's `FindBinPath`). */
import { posix } from 'node:path';
import { fromText } from '../../core/bytes.js';
import { quoted } from '../../core/printable.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import type { App } from '../../image/aci/app.js';
import type { JsonField } from '../../image/json-field.js';

const ANYBODY_EXECUTES = 0o111;
/** Directories of a `PATH` that are looked into: each may lead through thousands of links. */
const MOST_DIRECTORIES = 100;

/**
 * The arguments with the program as an absolute path in the app.
 * @param exec of the app or of one of its event handlers
 * @throws CairnError `ERR_BAD_MANIFEST` for no program, `ERR_NOT_FOUND` for one that is nowhere on the app's path
 */
export function argumentsOf(root: RootDirectory, app: App, exec: readonly string[], field: JsonField): string[] {
  const [program, ...rest] = exec;
  if (program === undefined || program === '') throw field.fault('app has no executable');
  if (program.startsWith('/')) return [program, ...rest];
  const cwd = app.workingDirectory ?? '/';
  if (program.includes('/')) return [posix.join(cwd, program), ...rest];
  const path = app.environment.find(({ name }) => name === 'PATH')?.value;
  const directories = path?.split(':', MOST_DIRECTORIES) ?? [cwd, '/bin', '/usr/bin'];
  const candidates = directories.map((directory) => posix.join('/', posix.resolve(cwd, directory), program));
  const found = candidates.find((candidate) => {
    const { stat } = root.find(fromText(candidate));
    return stat?.isFile() === true && (stat.mode & ANYBODY_EXECUTES) !== 0;
  });
  if (found !== undefined) return [found, ...rest];
  throw field.fault(`unable to find ${quoted(program)} in ${quoted(directories.join(':'))}`, 'ERR_NOT_FOUND');
}
