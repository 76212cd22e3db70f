/**
 * `cairn.json`: says that a directory is a store, and of which format. A migration raises the format last, so a half
 * migrated store still has the old one.
 */
import * as fs from 'node:fs';
import { CairnError, hasCode, isCairnError, toCairnError } from '../core/errors.js';
import { writeFileDurably } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';

/** How a store keeps the contents of files. */
export type ObjectLayout = 'loose' | 'packs';

/** The format of the files on disk where each object is a file. A store of an older format is migrated. */
export const FORMAT_VERSION = 2;
/** The format where objects lie in packs. Earlier versions refuse it. */
const PACKS_FORMAT = 3;
/** A store of a newer format is refused. */
export const NEWEST_FORMAT = PACKS_FORMAT;

/** What `cairn.json` says. */
export interface StoreFormat {
  format: number;
  layout: ObjectLayout;
}

export function formatOf(layout: ObjectLayout): StoreFormat {
  return { format: layout === 'packs' ? PACKS_FORMAT : FORMAT_VERSION, layout };
}

/** Makes a store, `cairn.json` first: a directory that has anything else but no `cairn.json` is never taken for one. */
export function makeStore(layout: Layout, objects: ObjectLayout): void {
  try {
    fs.chmodSync(layout.dir, 0o700);
    writeFormat(layout, formatOf(objects));
  } catch (error) {
    // Another process is making the same store at this moment, with the same content, and may have cleared ours away.
    if (hasCode(error, 'EEXIST') || (hasCode(error, 'ENOENT') && fs.existsSync(layout.format))) return;
    throw toCairnError(error, 'the store cannot be made');
  }
}

/** Writes `cairn.json`, which is durable when this returns. */
export function writeFormat(layout: Layout, { format, layout: objects }: StoreFormat): void {
  const said = objects === 'loose' ? { format } : { format, layout: objects };
  writeFileDurably(layout.format, `${JSON.stringify(said)}\n`, 0o644);
}

/** @throws CairnError `ERR_NOT_A_STORE`, and `ERR_STORE_VERSION` for a newer format */
export function readFormat(layout: Layout): StoreFormat {
  let said: { format?: unknown; layout?: unknown };
  try {
    said = JSON.parse(fs.readFileSync(layout.format, 'utf8')) as { format?: unknown; layout?: unknown };
  } catch (cause) {
    const error = toCairnError(cause, `${layout.format} cannot be read`);
    if (isCairnError(error)) throw error;
    const why = `${layout.format} is not what cairn writes`;
    throw new CairnError('ERR_NOT_A_STORE', why, { path: layout.format, cause });
  }
  const { format, layout: objects = 'loose' } = said;
  if (!Number.isInteger(format))
    throw new CairnError('ERR_NOT_A_STORE', `${layout.format} has no format version`, { path: layout.format });
  if ((format as number) > NEWEST_FORMAT || (objects !== 'loose' && objects !== 'packs')) {
    throw new CairnError(
      'ERR_STORE_VERSION',
      `the store has format ${format}; this version of cairn knows ${NEWEST_FORMAT}`,
      { path: layout.dir },
    );
  }
  return { format: format as number, layout: objects };
}
