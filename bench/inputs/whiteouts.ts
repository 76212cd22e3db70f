/** Whiteouts of OCI layers. Programs that unpack tars do not know them, so the bench applies them in their place. */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

const MARK = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** The whiteout entries of a gzipped layer, as paths. */
export async function whiteoutsOf(layer: string): Promise<string[]> {
  const found: string[] = [];
  const reader = extract();
  reader.on('entry', ({ name }, content, next) => {
    if (basename(name).startsWith(MARK)) found.push(name);
    content.on('end', next).resume();
  });
  await pipeline(fs.createReadStream(layer), createGunzip(), reader);
  return found;
}

/** Deletes what a layer deletes from the layers below. It is called before the layer's own files are unpacked. */
export function applyWhiteouts(root: string, whiteouts: readonly string[]): void {
  for (const path of whiteouts) {
    const dir = join(root, dirname(path));
    const name = basename(path);
    if (name !== OPAQUE) fs.rmSync(join(dir, name.slice(MARK.length)), { recursive: true, force: true });
    else if (fs.existsSync(dir))
      for (const each of fs.readdirSync(dir)) fs.rmSync(join(dir, each), { recursive: true, force: true });
  }
}

/** Deletes the whiteout entries, which a tar program has unpacked as files. */
export function dropMarks(root: string, whiteouts: readonly string[]): void {
  for (const path of whiteouts) fs.rmSync(join(root, path), { force: true });
}
