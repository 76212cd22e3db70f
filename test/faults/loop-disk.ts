/** A file system of its own, in a file, whose power can be cut. Needs root. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const FILE_SYSTEMS = ['ext4', 'xfs'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** A little more than the least that `mkfs.xfs` accepts. The file is sparse. */
const BYTES = 384 * 2 ** 20;
/** `_IOR('X', 125, u32)`: shuts the file system down at once. The number is the same for ext4 and xfs. */
const GOING_DOWN = 0x8004587d;
/** After this, not even the journal is written. */
const NO_LOG_FLUSH = 2;

export class LoopDisk {
  readonly dir: string;
  readonly #file: string;

  /** @param at an empty directory for the file and the mount point @throws Error if the disk cannot be mounted */
  constructor(at: string, type: FileSystem) {
    this.dir = join(at, 'mounted');
    this.#file = join(at, 'disk');
    fs.mkdirSync(this.dir);
    fs.writeFileSync(this.#file, '');
    fs.truncateSync(this.#file, BYTES);
    command(`mkfs.${type}`, '-q', this.#file);
    this.mount();
  }

  mount(): void {
    command('mount', '-o', 'loop', this.#file, this.dir);
  }

  unmount(): void {
    command('umount', this.dir);
  }

  /** Cuts the power: data that is not on disk is lost, and every later write fails. */
  cut(): void {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, void *argument)');
    const fd = fs.openSync(this.dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      const flags = Buffer.alloc(4);
      flags.writeUInt32LE(NO_LOG_FLUSH);
      if (ioctl(fd, GOING_DOWN, flags) !== 0) throw new Error(`the power cannot be cut: errno ${koffi.errno()}`);
    } finally {
      fs.closeSync(fd);
    }
  }

  remove(): void {
    spawnSync('umount', [this.dir]);
    fs.rmSync(this.#file, { force: true });
  }
}

/** Why this machine cannot make such a disk, or undefined if it can. @param at an empty directory to try it in */
export function loopDiskFault(at: string, type: FileSystem): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root can mount';
  let disk: LoopDisk | undefined;
  try {
    disk = new LoopDisk(at, type);
    disk.cut();
    disk.unmount();
    disk.mount();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    disk?.remove();
    fs.rmSync(at, { recursive: true, force: true });
    fs.mkdirSync(at);
  }
}

function command(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`no ${program} here`);
  if (status !== 0) throw new Error(`${program}: ${stderr.trim()}`);
}
