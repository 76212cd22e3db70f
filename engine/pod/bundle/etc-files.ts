/** Files that apps expect in `/etc` and that no image can have: they tell of the machine. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type ByteString, isUtf8 } from '../../core/bytes.js';
import { isCairnError } from '../../core/errors.js';
import { MAX_CONFIG_FILE } from '../../core/limits.js';
import { makeOnce } from '../../disk/durable.js';
import { ownEtcIn } from '../../disk/layout.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import { readSmallFile } from '../../disk/small-file.js';
import { type PlacedVolume, volumeAround } from './placed-volumes.js';

export interface EtcFile {
  /** In the app, without symlinks. */
  target: ByteString;
  source: string;
}

/**
 * Writes those files that neither the tree nor a volume has.
 * @param dir of the bundle
 */
export function writeEtcFiles(
  tree: RootDirectory,
  volumes: readonly PlacedVolume[],
  { dir, hostname }: { dir: string; hostname: string },
): EtcFile[] {
  const contents: Record<string, string | Buffer | undefined> = {
    hostname: `${hostname}\n`,
    hosts: `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
    'resolv.conf': hostResolver(),
  };
  return Object.entries(contents).flatMap(([name, content]) => {
    const { path: target, stat, lacks } = tree.find(`/etc/${name}`);
    const isAbsent = stat === undefined && lacks === 'missing' && isUtf8(target);
    const isOther = volumes.some((each) => each.target === target) || volumeAround(volumes, target) !== undefined;
    if (content === undefined || !isAbsent || isOther || /^\/(?:proc|dev|sys)\//.test(target)) return [];
    makeOnce(ownEtcIn(dir), 0o755);
    const source = join(ownEtcIn(dir), name);
    fs.writeFileSync(source, content, { flag: 'wx', mode: 0o644 });
    fs.chmodSync(source, 0o644);
    return [{ target, source }];
  });
}

function hostResolver(): Buffer | undefined {
  try {
    return readSmallFile('/etc/resolv.conf', MAX_CONFIG_FILE);
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}
