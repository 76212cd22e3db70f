/**
 * `cairn.json`: says that a directory is a store, and of which format. A migration raises the format last, so a half
 * migrated store still has the old one.
 */
import * as fs from 'node:fs';
import type { TocVersion } from '../../workers/tasks/import.js';
import { CairnError, hasCode, isCairnError, toCairnError } from '../core/errors.js';
import { createFileDurably, writeFileDurably } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';

/** How a store keeps the contents of files. */
export type ObjectLayout = 'loose' | 'packs';

/** The format of new stores, and the newest that is known here: a newer one is refused. */
export const FORMAT_VERSION = 3;
/** The oldest format where images have documents. A store of an older one gets them when it is opened for writing. */
export const DOCUMENTED_FORMAT = 2;

/** What `cairn.json` says. */
export interface StoreFormat {
  format: number;
  /** `packs` only since format 3, which made versions refuse the store that know none. */
  layout: ObjectLayout;
}

/**
 * How an import writes tables of contents. Versions that know no format above 2 cannot read the second version of them.
 */
export function tocVersionIn(format: number): TocVersion {
  return format < FORMAT_VERSION ? 1 : 2;
}

/** Makes a store, `cairn.json` first: a directory that has anything else but no `cairn.json` is never taken for one. */
export function makeStore(layout: Layout, objects: ObjectLayout): void {
  try {
    fs.chmodSync(layout.dir, 0o700);
    // Another process may be making the same store at this moment, of another layout perhaps. The first one chooses.
    createFileDurably(layout.format, textOf({ format: FORMAT_VERSION, layout: objects }), 0o644);
  } catch (error) {
    // A gc of the store that is there meanwhile clears away what we had begun.
    if (hasCode(error, 'EEXIST') || (hasCode(error, 'ENOENT') && fs.existsSync(layout.format))) return;
    throw toCairnError(error, 'the store cannot be made');
  }
}

/** Writes `cairn.json`, which is durable when this returns. */
export function writeFormat(layout: Layout, said: StoreFormat): void {
  writeFileDurably(layout.format, textOf(said), 0o644);
}

function textOf({ format, layout }: StoreFormat): string {
  return `${JSON.stringify(format < FORMAT_VERSION ? { format } : { format, layout })}\n`;
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
  if ((format as number) > FORMAT_VERSION || (objects !== 'loose' && objects !== 'packs')) {
    throw new CairnError(
      'ERR_STORE_VERSION',
      `the store has format ${format}; this version of cairn knows ${FORMAT_VERSION}`,
      { path: layout.dir },
    );
  }
  return { format: format as number, layout: objects };
}
