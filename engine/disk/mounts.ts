/**
 * Finds mounts in a directory, so that deleting the directory never reaches into other file systems. Trees are made to
 * be run: people bind `/dev`, volumes and their own files into them.
 */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CairnError } from '../core/errors.js';

const MOUNTS = '/proc/self/mountinfo';
/** Fields of a line before the lone dash, counted from 0 (proc_pid_mountinfo(5)). */
const DEVICE = 2;
const ROOT = 3;
const MOUNT_POINT = 4;
const OPTIONS = 5;

/** Mount points at or below a path, as this process sees them; none where the system does not list mounts. */
export function mountsBelow(path: string): string[] {
  const at = realPath(path);
  return mountPoints().filter((point) => point === at || point.startsWith(`${at}/`));
}

/** @throws CairnError `ERR_HELD` while something is mounted at or below a path that is to be deleted */
export function mustNotBeMounted(path: string): void {
  const [point] = mountsBelow(path);
  if (point === undefined) return;
  throw new CairnError('ERR_HELD', `${point} is mounted; unmount it first`, { path: point });
}

/** The file system that a directory lies on; `undefined` where the system does not list mounts. */
export function fileSystemAt(dir: string): { type: string; mountPoint: string } | undefined {
  const seen = mountAround(dir);
  return seen === undefined ? undefined : { type: seen.type, mountPoint: seen.point };
}

/** Of several mounts on one another the last one is seen, and of nested ones the deepest. */
function innermost(all: readonly Mount[], at: string): Mount | undefined {
  return all
    .filter(({ point }) => `${at}/`.startsWith(point === '/' ? '/' : `${point}/`))
    .reduceRight<Mount | undefined>(
      (best, each) => (best === undefined || each.point.length > best.point.length ? each : best),
      undefined,
    );
}

/** The mount that a path lies in, which must be there; undefined where the system does not list mounts. */
export function mountAround(path: string): Mount | undefined {
  return innermost(mounts(), fs.realpathSync(path));
}

/** What is mounted at a path, the uppermost if there are several. */
export function mountAt(path: string): Mount | undefined {
  const at = realPath(path);
  return mounts().findLast(({ point }) => point === at);
}

function mountPoints(): string[] {
  return mounts().map(({ point }) => point);
}

export interface Mount {
  point: string;
  /** Of the file system, such as `erofs`. */
  type: string;
  /** What was mounted, as whoever mounted it called it. */
  source: string;
  /** Device number of the file system, `major:minor`: no other one that is mounted now has it. */
  device: string;
  /** What of the file system shows: a path in it, `/` for all. */
  root: string;
  /** Of the mount, such as `ro` and `nosuid`. */
  options: string[];
}

/** Everything mounted, as this process sees it, or the one whose table is given, in the order of mounting. */
export function mounts(file = MOUNTS): Mount[] {
  let table: string;
  try {
    table = fs.readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const lines = table.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    // Type and source are the first fields after a lone dash.
    const [, type = '', source = ''] = / - (\S+) (\S*)/.exec(line) ?? [];
    const fields = line.split(' ');
    const device = fields[DEVICE] ?? '';
    const [point, root] = [fields[MOUNT_POINT] ?? '', fields[ROOT] ?? ''].map(unescaped) as [string, string];
    const options = (fields[OPTIONS] ?? '').split(',');
    return { point, type, source: unescaped(source), device, root, options };
  });
}

/** Blanks and backslashes are written as three octal digits. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Resolves symlinks above a path only: a path that is itself a symlink would be deleted as such. It may be missing. */
function realPath(path: string): string {
  try {
    return join(fs.realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
