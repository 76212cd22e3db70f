/** Reads files with credentials. What is in them never becomes part of an error. */
import * as fs from 'node:fs';
import { CairnError, hasCode, toCairnError } from '../../core/errors.js';
import { MAX_CONFIG_FILE } from '../../core/limits.js';
import { parseJson } from '../../image/json.js';
import { JsonField } from '../../image/json-field.js';
import { damaged } from './damaged.js';

export interface SecretFile {
  path: string;
  /** An empty file is an empty object. */
  content: JsonField;
  /** Others than its owner may read it. */
  isOpen: boolean;
}

/**
 * @param isNamed somebody named the file, so it must be there, and may be a pipe
 * @returns undefined if there is no such file
 * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND`, `ERR_IO`
 */
export function readSecretFile(path: string, isNamed = false): SecretFile | undefined {
  const read = readBytes(path, isNamed);
  if (read === undefined) return undefined;
  return { path, content: parseSecrets(read.bytes, path), isOpen: read.isOpen };
}

/** @throws CairnError `ERR_CONFIG`, with the line and column at most */
function parseSecrets(bytes: Buffer, path: string): JsonField {
  const text = bytes.toString().trim();
  if (text === '') return new JsonField(path, {});
  try {
    const field = new JsonField(path, parseJson(bytes, path, { maxManifest: MAX_CONFIG_FILE }));
    field.object();
    return field;
  } catch (error) {
    // The error itself quotes what it stumbled over, so it does not go along as a cause.
    const where = error instanceof CairnError ? (/ at line \d+, column \d+$/.exec(error.message)?.[0] ?? '') : '';
    throw damaged(path, `not a JSON object of credentials${where}`);
  }
}

function readBytes(path: string, isNamed: boolean): { bytes: Buffer; isOpen: boolean } | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | (isNamed ? 0 : fs.constants.O_NONBLOCK));
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw toCairnError(error);
    if (isNamed) throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path, cause: error });
    return undefined;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory() || !(isNamed || stat.isFile())) throw damaged(path, 'not a file');
    return { bytes: readAll(fd, path), isOpen: stat.isFile() && (stat.mode & 0o077) !== 0 };
  } finally {
    fs.closeSync(fd);
  }
}

function readAll(fd: number, path: string): Buffer {
  const buffer = Buffer.alloc(MAX_CONFIG_FILE + 1);
  let length = 0;
  for (let taken = -1; taken !== 0 && length < buffer.length; length += taken)
    taken = fs.readSync(fd, buffer, length, buffer.length - length, null);
  if (length > MAX_CONFIG_FILE) throw damaged(path, `more than ${MAX_CONFIG_FILE} bytes`);
  return buffer.subarray(0, length);
}
