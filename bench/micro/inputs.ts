/** An archive and tables of contents as a system's image has them: many small files in many directories. */
import { pack } from 'tar-stream';
import type { TocEntry } from '../../engine/layer/toc.js';

const FILES_PER_DIRECTORY = 25;

/** Packs a tar of files of one to four KiB, and their directories. */
export async function tarOf(files: number): Promise<{ bytes: Buffer; entries: number }> {
  const archive = pack();
  const chunks: Buffer[] = [];
  archive.on('data', (chunk) => chunks.push(chunk as Buffer));
  const ended = new Promise<void>((resolve, reject) => archive.on('end', resolve).on('error', reject));
  const mtime = new Date('2025-01-01T00:00:00Z');
  let entries = 0;
  for (let i = 0; i < files; i++) {
    const directory = `usr/share/d${Math.floor(i / FILES_PER_DIRECTORY)}`;
    if (i % FILES_PER_DIRECTORY === 0) {
      archive.entry({ name: directory, type: 'directory', mtime });
      entries++;
    }
    archive.entry({ name: `${directory}/file-${i}`, mtime }, Buffer.alloc(1024 + (i % 7) * 512, i));
    entries++;
  }
  archive.finalize();
  await ended;
  return { bytes: Buffer.concat(chunks), entries };
}

/**
 * A layer's table of contents.
 * @param first the number of the first file; layers whose ranges of numbers overlap have paths in common
 */
export function tocOf(files: number, first = 0): TocEntry[] {
  const entries: TocEntry[] = [];
  const seen = new Set<string>();
  const add = (path: string, type: 'file' | 'dir', seed: number): void => {
    entries.push({
      path,
      type,
      mode: type === 'dir' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      sec: 1_735_689_600 + seed,
      nsec: 0,
      size: type === 'file' ? seed : 0,
      key: type === 'file' ? seed.toString(16).padStart(128, '0') : '',
      link: '',
      devMajor: 0,
      devMinor: 0,
      xattrs: [],
    });
  };
  for (let i = first; i < first + files; i++) {
    const directory = `usr/share/d${Math.floor(i / FILES_PER_DIRECTORY)}`;
    if (!seen.has(directory)) add(directory, 'dir', 0);
    seen.add(directory);
    add(`${directory}/file-${i}`, 'file', i);
  }
  return entries;
}
