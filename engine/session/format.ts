/**
 * `cairn.json`: says that a directory is a store, and of which format. A migration raises the format last, so a half
 * migrated store still has the old one.
 */
import * as fs from 'node:fs';
import { CairnError, hasCode, isCairnError, toCairnError } from '../core/errors.js';
import { writeFileDurably } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';

/** The format of the files on disk. A store of a newer format is refused, one of an older format migrated. */
export const FORMAT_VERSION = 2;

/** Makes a store, `cairn.json` first: a directory that has anything else but no `cairn.json` is never taken for one. */
export function makeStore(layout: Layout): void {
  try {
    fs.chmodSync(layout.dir, 0o700);
    writeFormat(layout);
  } catch (error) {
    // Another process is making the same store at this moment, with the same content, and may have cleared ours away.
    if (hasCode(error, 'EEXIST') || (hasCode(error, 'ENOENT') && fs.existsSync(layout.format))) return;
    throw toCairnError(error, 'the store cannot be made');
  }
}

/** Writes `cairn.json`, which is durable when this returns. */
export function writeFormat(layout: Layout, format = FORMAT_VERSION): void {
  writeFileDurably(layout.format, `${JSON.stringify({ format })}\n`, 0o644);
}

/** @throws CairnError `ERR_NOT_A_STORE`, and `ERR_STORE_VERSION` for a newer format */
export function readFormat(layout: Layout): number {
  let format: unknown;
  try {
    format = (JSON.parse(fs.readFileSync(layout.format, 'utf8')) as { format?: unknown }).format;
  } catch (cause) {
    const error = toCairnError(cause, `${layout.format} cannot be read`);
    if (isCairnError(error)) throw error;
    const why = `${layout.format} is not what cairn writes`;
    throw new CairnError('ERR_NOT_A_STORE', why, { path: layout.format, cause });
  }
  if (!Number.isInteger(format))
    throw new CairnError('ERR_NOT_A_STORE', `${layout.format} has no format version`, { path: layout.format });
  if ((format as number) > FORMAT_VERSION) {
    throw new CairnError(
      'ERR_STORE_VERSION',
      `the store has format ${format}; this version of cairn knows ${FORMAT_VERSION}`,
      { path: layout.dir },
    );
  }
  return format as number;
}
