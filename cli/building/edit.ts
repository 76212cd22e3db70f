/** What commands that edit a build have in common. */
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { editBuild } from '../../engine/build/edit.js';
import { CairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { readSmallFile } from '../../engine/disk/small-file.js';
import type { Edit } from '../../engine/image/edit.js';
import { type JsonValue, parseJson } from '../../engine/image/json.js';
import { commandOf, type OfBuild, ofBuild, onBuild } from './directory.js';

export type MakeEdit<O> = (args: readonly string[], options: O) => Edit;

/**
 * A command that makes one edit of its arguments.
 * @param toldAs the command in acbuild's words, for a build that keeps its history
 */
export function edit<O extends OfBuild>(command: Command, make: MakeEdit<O>, toldAs = commandOf): Command {
  return ofBuild(command).action((...given: unknown[]) => {
    const self = given.at(-1) as Command;
    const args = given
      .slice(0, -2)
      .flat()
      .filter((each) => typeof each === 'string');
    return onBuild<O>(self, async (dir, options) => {
      await editBuild(dir, [make(args, options)], { command: toldAs(self, args) });
      return undefined;
    });
  });
}

/** @param file `-` for standard input */
export function readJson(file: string): JsonValue {
  const { maxManifest } = DEFAULT_LIMITS;
  const bytes = file === '-' ? fs.readFileSync(0) : readSmallFile(file, maxManifest);
  if (bytes === undefined) throw new CairnError('ERR_NOT_FOUND', `no such file or directory: ${file}`, { path: file });
  return parseJson(bytes, file, { maxManifest });
}
