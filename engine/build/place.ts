/**
 * The places of all things in a build's directory.
 *
 * ```
 * <dir>/
 *   rootfs/                  the working tree
 *   manifest                 of an ACI: the working manifest
 *   image.json               of an OCI image: the working configuration, and annotations for the manifest
 *   .cairn-build/state.json  what the build began with
 *   .cairn-build/base        each path as the build's beginning left it
 *   .cairn-build/run         what a command that runs in the tree needs, while it runs
 *   .cairn-build/lock        held by the command that is at work
 * ```
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { ImageFormat } from '../../workers/tasks/import.js';
import { CairnError } from '../core/errors.js';
import { manifestIn, rootfsIn } from '../disk/layout.js';

export class BuildPlace {
  readonly dir: string;
  readonly rootfs: string;
  readonly notes: string;
  readonly state: string;
  readonly base: string;
  readonly lock: string;
  readonly run: string;
  readonly scratch: string;

  constructor(dir: string) {
    this.dir = dir;
    this.rootfs = rootfsIn(dir);
    this.notes = join(dir, NOTES);
    this.state = join(this.notes, 'state.json');
    this.base = join(this.notes, 'base');
    this.lock = join(this.notes, 'lock');
    this.run = join(this.notes, 'run');
    this.scratch = join(this.run, 'container');
  }

  document(format: ImageFormat): string {
    return format === 'aci' ? manifestIn(this.dir) : join(this.dir, 'image.json');
  }
}

const NOTES = '.cairn-build';

/** Whether a directory is a build's. */
export function isBuild(dir: string): boolean {
  return fs.lstatSync(join(dir, NOTES), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @throws CairnError `ERR_NOT_FOUND` */
export function placeOfBuild(dir: string): BuildPlace {
  if (isBuild(dir)) return new BuildPlace(dir);
  throw new CairnError('ERR_NOT_FOUND', `no build in ${dir}; "cairn build begin" makes one`, { path: dir });
}
