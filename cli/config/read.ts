/**
 * Reads a configuration file. Who can write one decides what its users' commands do. So a file of another user is not
 * read, except for the administrator's and one that was named; nor is one that anybody may write, which is refused.
 */
import * as fs from 'node:fs';
import type { TomlTable } from 'smol-toml';
import { CairnError, hasCode, toCairnError } from '../../engine/core/errors.js';
import { MAX_CONFIG_FILE } from '../../engine/core/limits.js';
import { formatMode } from '../../engine/core/metadata.js';
import { parseToml } from '../../engine/core/toml.js';
import type { Place } from './place.js';

/**
 * @returns undefined for a file of another user
 * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND`, `ERR_IO`
 */
export async function readTable(place: Place): Promise<TomlTable | undefined> {
  const bytes = readBytes(place);
  return bytes === undefined ? undefined : parseToml(bytes, place.file);
}

function readBytes(place: Place): Buffer | undefined {
  const { kind, file } = place;
  // A file that is named may be a pipe, which is waited for; no other is.
  const flags = fs.constants.O_RDONLY | (kind === 'given' ? 0 : fs.constants.O_NONBLOCK);
  let fd: number;
  try {
    // A link is its maker's word, whoever has the file that it leads to.
    if (isForeign(place, fs.lstatSync(file))) return undefined;
    fd = fs.openSync(file, flags);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw toCairnError(error);
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${file}`, { path: file, cause: error });
  }
  try {
    const stat = fs.fstatSync(fd);
    if (isForeign(place, stat)) return undefined;
    if (stat.isDirectory() || (kind !== 'given' && !stat.isFile())) throw wrong(file, 'not a file');
    if (kind !== 'given') mustBeSafe(file, stat.mode);
    return readAll(fd, file);
  } finally {
    fs.closeSync(fd);
  }
}

/** The system's file is the administrator's, whatever number stands for that user where cairn runs. */
function isForeign({ kind }: Place, { uid }: fs.Stats): boolean {
  if (kind === 'system' || kind === 'given') return false;
  return uid !== 0 && uid !== (process.geteuid?.() ?? uid);
}

/** A group of one is usual, so that a group matters only where root trusts it. */
function mustBeSafe(file: string, mode: number): void {
  const others = process.geteuid?.() === 0 ? 0o022 : 0o002;
  if ((mode & others) === 0) return;
  const help = `others may write it (mode ${formatMode(mode & 0o7777)}): "chmod go-w" it`;
  throw wrong(file, help);
}

function readAll(fd: number, file: string): Buffer {
  const buffer = Buffer.alloc(MAX_CONFIG_FILE + 1);
  let length = 0;
  for (let taken = -1; taken !== 0 && length < buffer.length; length += taken)
    taken = fs.readSync(fd, buffer, length, buffer.length - length, null);
  if (length > MAX_CONFIG_FILE) throw wrong(file, `more than ${MAX_CONFIG_FILE} bytes`);
  return buffer.subarray(0, length);
}

function wrong(file: string, message: string): CairnError {
  return new CairnError('ERR_CONFIG', message, { path: file });
}
