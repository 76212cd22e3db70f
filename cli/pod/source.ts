/** What a pod is made of, as it is typed: the file of its manifest, or images. */
import * as fs from 'node:fs';
import { CairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { STDIN } from '../../engine/resolve/source-path.js';
import { readInput } from '../input.js';
import type { Globals } from '../session.js';

/** So much of a file tells whether it begins as JSON does. */
const HEAD = 64;

export type PodSource = Uint8Array | string[];

/** @throws CairnError `ERR_USAGE` for a manifest among other arguments */
export async function readPodSource(args: readonly string[], { maxManifest }: Globals): Promise<PodSource> {
  const manifest = args.find(isManifest);
  if (manifest === undefined) return [...args];
  if (args.length > 1) throw new CairnError('ERR_USAGE', `${manifest} is a manifest, and says all there is in the pod`);
  return readInput(manifest, maxManifest ?? DEFAULT_LIMITS.maxManifest);
}

/** An image is never a document: archives begin otherwise. */
function isManifest(argument: string): boolean {
  if (argument === STDIN) return true;
  let fd: number;
  try {
    fd = fs.openSync(argument, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    if (!fs.fstatSync(fd).isFile()) return false;
    const head = Buffer.alloc(HEAD);
    return head
      .toString('latin1', 0, fs.readSync(fd, head, 0, HEAD, 0))
      .trimStart()
      .startsWith('{');
  } finally {
    fs.closeSync(fd);
  }
}
