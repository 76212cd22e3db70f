/** Which ways to give a tree its files work on this machine, found out by trying. */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../core/errors.js';
import { BLOCK, SECTOR } from '../core/extent.js';
import type { ObjectAddress } from '../core/object.js';
import { createTreeMount } from '../disk/mount-tree.js';
import { type ErofsImage, erofsImage, type ImageEntry } from '../erofs/image.js';
import type { StoreContext } from './context.js';

/** Whether a way works, and if not, why. */
export interface ModeState {
  ok: boolean;
  why?: string;
}

export interface Modes {
  mount: ModeState;
  link: ModeState;
  reflink: ModeState;
  copy: ModeState;
}

/** Nothing is tried in a store that is open for reading only. */
export function findModes(store: StoreContext): Modes {
  const closed = store.readOnly ? { ok: false, why: 'the store is open for reading only' } : undefined;
  return {
    mount: closed ?? tryMount(store),
    link: closed ?? tryIn(store, (from, to) => fs.linkSync(from, to)),
    reflink: closed ?? tryIn(store, (from, to) => fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE_FORCE)),
    copy: closed ?? { ok: true },
  };
}

/** Whether trees can be mounted here. */
export function canMountTrees(store: StoreContext): boolean {
  return !store.readOnly && tryMount(store).ok;
}

function tryMount({ staging, objects }: StoreContext): ModeState {
  const dir = staging.make();
  try {
    return tryMountIn(dir, objects.at.packs !== undefined);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Mounts a tree of one file, reads the file, and lets go of the mount, which nobody else ever sees.
 * @param dir an empty directory, in which some files stay
 * @param isPacked has the file's content in a pack
 */
export function tryMountIn(dir: string, isPacked = false): ModeState {
  const image = join(dir, 'image');
  try {
    const { devices, metadata } = isPacked ? imageOverPack(dir) : imageOverFile(dir);
    fs.writeFileSync(image, Buffer.concat([...metadata()]));
    const place = { layers: [dir], scratch: join(dir, 'scratch'), label: 'cairn-probe' };
    const mount = createTreeMount({ image, devices, ...place });
    try {
      const found = fs.readFileSync(`/proc/self/fd/${mount.fd}/file`, 'latin1');
      return found === CONTENT ? { ok: true } : { ok: false, why: 'a mounted file has other content than its object' };
    } finally {
      mount.close();
    }
  } catch (error) {
    return { ok: false, why: (error as Error).message };
  }
}

const CONTENT = 'x';
const PLAIN = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  sec: 0,
  nsec: 0,
  link: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
  group: '',
};

function imageOverFile(layer: string): ErofsImage {
  fs.writeFileSync(join(layer, 'object'), CONTENT);
  return tinyImage({ layer, path: '/object' }, BLOCK);
}

function imageOverPack(dir: string): ErofsImage {
  const device = join(dir, 'object');
  const pack = Buffer.alloc(BLOCK);
  pack.write(CONTENT, SECTOR);
  fs.writeFileSync(device, pack);
  return tinyImage({ device, offset: SECTOR }, SECTOR);
}

function tinyImage(address: ObjectAddress, block: number): ErofsImage {
  const entries: ImageEntry[] = [
    { ...PLAIN, path: '', type: 'dir', size: 0, key: '' },
    { ...PLAIN, path: 'file', type: 'file', size: CONTENT.length, key: CONTENT },
  ];
  return erofsImage(entries, { uuid: Buffer.alloc(16), blockBits: Math.log2(block), contents: () => address });
}

function tryIn({ staging }: StoreContext, make: (from: string, to: string) => void): ModeState {
  const dir = staging.make();
  const from = join(dir, 'from');
  try {
    fs.writeFileSync(from, 'x');
    make(from, join(dir, 'to'));
    return { ok: true };
  } catch (error) {
    if (hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS', 'ENOTTY'))
      return { ok: false, why: 'the file system does not have it' };
    return { ok: false, why: (error as Error).message.replace(/,.*$/s, '') };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether files in a directory can share content with the store. */
export function canReflink(store: StoreContext, dir: string): boolean {
  const probe = join(dir, `.cairn-probe-${randomUUID()}`);
  try {
    fs.copyFileSync(store.layout.format, probe, fs.constants.COPYFILE_FICLONE_FORCE | fs.constants.COPYFILE_EXCL);
    return true;
  } catch {
    return false;
  } finally {
    fs.rmSync(probe, { force: true });
  }
}
