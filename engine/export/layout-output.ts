/** Writes a layout where it goes: a directory, or an archive of one. */
import * as fs from 'node:fs';
import type { Output, OutputCompression } from '../../workers/tasks/export.js';
import { type Key, keyOfHex } from '../core/key.js';
import { layoutBeside } from '../disk/layout.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { Target } from '../session/destination.js';
import { filesOfLayout } from './archive-names.js';
import { type LayoutRequest, type MadeImage, writeLayout } from './layout.js';

export interface LayoutDestination {
  target: Target;
  /** A path that is free, for what is made on the way. */
  scratch: string;
  output: Output;
  /** The compression of the archive as a whole. */
  wholly: OutputCompression | undefined;
}

/** @returns the manifest's digest, bytes written, and the key of an archive */
export async function exportLayout(
  store: StoreContext,
  image: ImageRecord | MadeImage,
  request: LayoutRequest,
  { target, scratch, output, wholly }: LayoutDestination,
): Promise<{ digest: string; size: number; key?: Key }> {
  const dir = target.kind === 'file' ? layoutBeside(scratch) : scratch;
  fs.mkdirSync(dir, { mode: 0o755 });
  const written = await writeLayout(store, image, dir, request);
  if (target.kind === 'directory') return written;
  const files = filesOfLayout(dir);
  const packed = await request.work.ask('pack-files', { files, output, compress: wholly ?? 'none' });
  return { size: packed.size, key: keyOfHex(packed.sha512), digest: written.digest };
}
