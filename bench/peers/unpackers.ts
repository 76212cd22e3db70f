/** The programs that unpack a tar, whatever a scenario has them unpack. Each keeps owners by number and all modes, as cairn does. */
import type { Deviation } from '../measure/deviations.js';
import { type Command, script } from '../measure/process.js';
import { program } from './program.js';

export interface Unpacker {
  name: string;
  programs?: readonly string[];
  packages?: readonly string[];
  /** Of an archive, gzipped if it says so, into a directory that is there. */
  command(archive: string, dir: string): Command;
  deviations: readonly Deviation[];
}

/** GNU tar sets a directory's time as it leaves it; an archive that comes back to the directory later touches it again. */
const LEFT_TOO_EARLY: readonly Deviation[] = ['times of directories'];

export const GNU_TAR: Unpacker = {
  name: 'tar',
  programs: ['tar'],
  command: (archive, dir) => ['tar', '--numeric-owner', '-xf', archive, '-C', dir],
  deviations: LEFT_TOO_EARLY,
};

export const BSDTAR: Unpacker = {
  name: 'bsdtar',
  programs: ['bsdtar'],
  command: (archive, dir) => ['bsdtar', '--numeric-owner', '-xf', archive, '-C', dir],
  deviations: [],
};

/** For gzipped archives only: inflating goes on beside the unpacking. */
export const PIGZ_TAR: Unpacker = {
  name: 'pigz -dc | tar',
  programs: ['bash', 'pigz', 'tar'],
  command: (archive, dir) => script('pigz -dc "$1" | tar --numeric-owner -xf - -C "$2"', archive, dir),
  deviations: LEFT_TOO_EARLY,
};

/** By GNU tar's own gzip, named for what it is where both are measured. */
export const GZIP_TAR: Unpacker = {
  name: 'gzip -dc | tar',
  programs: ['bash', 'gzip', 'tar'],
  command: (archive, dir) => script('gzip -dc "$1" | tar --numeric-owner -xf - -C "$2"', archive, dir),
  deviations: LEFT_TOO_EARLY,
};

/** Both set the owner after the mode, which takes setuid and setgid away, and times as Node's `Date` has them. */
const OF_NODE: readonly Deviation[] = [
  'times of symlinks',
  'times of directories',
  'fractions of seconds',
  'setuid, setgid and sticky bits',
];

export const NODE_TAR: Unpacker = {
  name: 'node-tar',
  packages: ['tar'],
  command: (archive, dir) => [process.execPath, program('unpack-node-tar'), archive, dir],
  deviations: OF_NODE,
};

export const TAR_FS: Unpacker = {
  name: 'tar-fs',
  packages: ['tar-fs'],
  command: (archive, dir) => [process.execPath, program('unpack-tar-fs'), archive, dir],
  deviations: OF_NODE,
};

/** Of gzipped archives. */
export const UNPACKERS: readonly Unpacker[] = [GNU_TAR, PIGZ_TAR, BSDTAR, NODE_TAR, TAR_FS];
