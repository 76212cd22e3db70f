/** What a destination's name says of the archive that goes there, and the order of what a layout's archive holds. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { OutputCompression } from '../../workers/tasks/export.js';
import { CairnError } from '../core/errors.js';

/** Endings of names that archives have. */
const ARCHIVE_NAME = /\.(?:tar|aci|erofs|tgz|tzst)(?:\.(?:gz|zst))?$/;

/** Endings that promise what is not written here. A directory of such a name would be a surprise. */
const OTHER_ARCHIVE = /\.(?:xz|txz|bz2|tbz2?|zip|7z|lz4|lzma|rar)$/;

export function isArchiveName(file: string): boolean {
  return ARCHIVE_NAME.test(file);
}

export function formatByName(file: string): 'aci' | 'erofs' | undefined {
  const [, ending] = /\.(aci|erofs)(?:\.gz|\.zst)?$/.exec(file) ?? [];
  return ending as 'aci' | 'erofs' | undefined;
}

export function compressionByName(file: string): OutputCompression | undefined {
  if (!isArchiveName(file)) return undefined;
  return /\.(?:gz|tgz)$/.test(file) ? 'gzip' : /\.(?:zst|tzst)$/.test(file) ? 'zstd' : undefined;
}

/** @throws CairnError `ERR_USAGE` for a name that promises what is not written here */
export function refuseOtherArchive(name: string): void {
  if (!OTHER_ARCHIVE.test(name)) return;
  throw new CairnError('ERR_USAGE', `${name}: archives are written as .tar, .tar.gz, .tgz, .tar.zst, .aci or .erofs`, {
    path: name,
  });
}

/** The order that `docker load` and `skopeo` prefer: files that tell the format come first. */
export function filesOfLayout(dir: string): [string, string][] {
  const names = fs.readdirSync(join(dir, 'blobs', 'sha256')).map((name) => `blobs/sha256/${name}`);
  const top = ['oci-layout', 'index.json', 'manifest.json'].filter((name) => fs.existsSync(join(dir, name)));
  return [...top, ...names].map((name) => [name, join(dir, name)]);
}
