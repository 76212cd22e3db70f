/** The programs that unpack a tar. Each is told to keep owners by number and all modes, as cairn does. */
import type { Deviation } from '../measure/deviations.js';
import { type Command, script } from '../measure/process.js';
import { program } from './program.js';

export interface Unpacker {
  name: string;
  programs?: readonly string[];
  packages?: readonly string[];
  /** Unpacks an archive, plain or gzipped, into a directory that exists. */
  command(archive: string, dir: string): Command;
  deviations: readonly Deviation[];
}

/** GNU tar sets a directory's time when it leaves the directory, and changes it again where the archive comes back. */
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

/** For gzipped archives only: one process inflates while another one unpacks. */
export const PIGZ_TAR: Unpacker = {
  name: 'pigz -dc | tar',
  programs: ['bash', 'pigz', 'tar'],
  command: (archive, dir) => script('pigz -dc "$1" | tar --numeric-owner -xf - -C "$2"', archive, dir),
  deviations: LEFT_TOO_EARLY,
};

/** The two processes that `tar -xzf` starts, named so for comparison with `pigz`. */
export const GZIP_TAR: Unpacker = {
  name: 'gzip -dc | tar',
  programs: ['bash', 'gzip', 'tar'],
  command: (archive, dir) => script('gzip -dc "$1" | tar --numeric-owner -xf - -C "$2"', archive, dir),
  deviations: LEFT_TOO_EARLY,
};

/** node-tar and tar-fs set the owner after the mode, which clears setuid and setgid. They set times by `Date`. */
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

/** All that unpack gzipped archives. */
export const UNPACKERS: readonly Unpacker[] = [GNU_TAR, PIGZ_TAR, BSDTAR, NODE_TAR, TAR_FS];
