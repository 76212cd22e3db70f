/** Reads TOML, for all files of settings. The reader is loaded with the first of them. */
import { isUtf8 } from 'node:buffer';
import type { TomlTable } from 'smol-toml';
import { CairnError } from './errors.js';

/**
 * @param path of the file, for errors
 * @throws CairnError `ERR_CONFIG` that says where, and shows no piece of the file
 */
export async function parseToml(bytes: Buffer, path: string): Promise<TomlTable> {
  if (!isUtf8(bytes)) throw new CairnError('ERR_CONFIG', 'not UTF-8', { path });
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(bytes.toString('utf8'));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // What follows the first line is a piece of the file.
    const what = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '');
    throw new CairnError('ERR_CONFIG', `line ${cause.line}, column ${cause.column}: ${what}`, { path });
  }
}
