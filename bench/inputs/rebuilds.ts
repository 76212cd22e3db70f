/** Rebuilds of a layer: every entry has another time, and a few files have another content. */
import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type ExtractEvents, extract, type Pack, pack } from 'tar-stream';
import { contentOf } from './generated.js';

/** One file of so many has another content. */
const ONE_IN = 200;
const DAY_MS = 86_400_000;
const FASTEST = 1;

/**
 * Packs a layer once more.
 * @param layer a gzipped tar
 * @param rebuild which one it is, from 1: other times, and another file in two hundred, each time
 */
export async function packRebuild(layer: string, file: string, rebuild: number): Promise<void> {
  const reader = extract();
  const archive = pack();
  let files = 0;
  reader.on('entry', (header, content, next) => {
    // Records of the old times would count more than the header.
    const touched = { ...header, pax: null, mtime: new Date(header.mtime.getTime() + rebuild * DAY_MS) };
    const isChanged = header.type === 'file' && files++ % ONE_IN === rebuild % ONE_IN;
    if (isChanged) {
      content.resume();
      archive.entry(touched, contentOf(rebuild * ONE_IN + files, header.size), next);
    } else copyEntry(archive, touched, content, next);
  });
  reader.on('finish', () => archive.finalize());
  await Promise.all([
    pipeline(fs.createReadStream(layer), createGunzip(), reader),
    pipeline(archive, createGzip({ level: FASTEST }), fs.createWriteStream(file)),
  ]);
}

function copyEntry(archive: Pack, ...[header, content, next]: ExtractEvents['entry']): void {
  if (header.type !== 'file' || header.size === 0) {
    content.resume();
    archive.entry({ ...header, size: 0 }, '', next);
  } else content.pipe(archive.entry(header, next));
}
