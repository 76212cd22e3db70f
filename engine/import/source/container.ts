/**
 * The container of an OCI image: a layout directory, a tar of one, or an archive of `docker save`. Gives documents and
 * blobs by name.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Members } from '../../../workers/tasks/import.js';
import type { Source } from '../../../workers/tasks/parts.js';
import { CairnError } from '../../core/errors.js';
import { type Limits, limitFlag, MAX_SYMLINK_HOPS } from '../../core/limits.js';
import { cleanPath, joinPath, parentOf } from '../../core/path.js';
import { readRegular } from '../../disk/regular-file.js';

export interface Container {
  /** The name for users, in errors. */
  path: string;
  has(name: string): boolean;
  /** A small document. @throws CairnError `ERR_BAD_ARCHIVE` when it is missing or too large */
  read(name: string): Promise<Buffer>;
  /** @throws CairnError `ERR_BAD_ARCHIVE` when it is missing */
  blob(name: string): { source: Source; size: number };
}

type Limit = Pick<Limits, 'maxManifest' | 'maxPath' | 'maxDepth'>;

/** @param dir an OCI image layout. Blobs may be symbolic links: their digests are checked, wherever they lead. */
export function directoryContainer(dir: string, limits: Limit): Container {
  const stat = (name: string): fs.Stats | undefined => fs.statSync(join(dir, name), { throwIfNoEntry: false });
  const container: Container = {
    path: dir,
    has: (name) => stat(name)?.isFile() === true,
    read: async (name) => {
      const { size } = container.blob(name);
      checkSize(name, size, limits);
      return readRegular(join(dir, name), size);
    },
    blob: (name) => {
      const found = stat(name);
      if (found?.isFile() !== true) throw missing(dir, name);
      return { source: { path: join(dir, name) }, size: found.size };
    },
  };
  return container;
}

/**
 * @param path the name of the archive for users
 * @param file the file with its uncompressed bytes
 */
export function archiveContainer(path: string, file: string, members: Members, limits: Limit): Container {
  const places = new Map<string, { link: string; offset: number; size: number }>();
  const links = members.links.split('\0');
  members.names.split('\0').forEach((name, i) => {
    places.set(name, {
      link: links[i] as string,
      offset: members.offsets[i] as number,
      size: members.sizes[i] as number,
    });
  });
  const find = (name: string): { offset: number; size: number } | undefined => {
    let at = name;
    for (let hops = 0; hops <= MAX_SYMLINK_HOPS; hops++) {
      const place = places.get(at);
      if (place === undefined || place.offset >= 0) return place;
      // `docker save` makes a link of a layer that equals another one.
      at = cleanPath(joinPath(parentOf(at), place.link), limits);
    }
    return undefined;
  };
  const container: Container = {
    path,
    has: (name) => find(name) !== undefined,
    read: async (name) => {
      const place = find(name);
      if (place === undefined) throw missing(path, name);
      checkSize(name, place.size, limits);
      return readRegular(file, place.size, place.offset);
    },
    blob: (name) => {
      const place = find(name);
      if (place === undefined) throw missing(path, name);
      return { source: { path: file, part: place }, size: place.size };
    },
  };
  return container;
}

function checkSize(name: string, size: number, { maxManifest }: Limit): void {
  if (size <= maxManifest) return;
  const why = `${name} has ${size} bytes, more than the ${maxManifest} that ${limitFlag('maxManifest')} allows`;
  throw new CairnError('ERR_BAD_ARCHIVE', why, { entry: name });
}

function missing(path: string, name: string): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', `${path} has no ${name}`, { path, entry: name });
}
