/** Reads, sets and removes extended attributes, which Node has no calls for. */
import type { ByteString } from '../core/bytes.js';
import type { Xattr } from '../core/metadata.js';
import { calls, cString, failed } from './native.js';

/** Sets an extended attribute on the path itself, never on a symlink's target. */
export function setXattr(path: ByteString, xattr: Xattr): void {
  const api = calls();
  if (api === undefined) throw Object.assign(new Error('no way to set extended attributes'), { code: 'ENOTSUP' });
  const { name, value } = xattr;
  if (api.lsetxattr(cString(path), cString(name), value, value.length, 0) !== 0) throw failed(api, 'lsetxattr', path);
}

/** Takes an extended attribute away, if it is there and can be taken away. */
export function removeXattr(path: ByteString, name: ByteString): void {
  calls()?.lremovexattr(cString(path), cString(name));
}

/**
 * All extended attributes by name; `undefined` where they cannot be read.
 * @param file a path, whose symlink is not followed, or the descriptor of an open file, which is faster
 */
export function listXattrs(file: ByteString | number): Map<ByteString, Buffer> | undefined {
  const api = calls();
  if (api === undefined) return undefined;
  const isOpen = typeof file === 'number';
  const target = isOpen ? file : cString(file);
  const [list, get] = isOpen ? [api.flistxattr, api.fgetxattr] : [api.llistxattr, api.lgetxattr];
  const found = new Map<ByteString, Buffer>();
  const names = grow((buffer, size) => list(target, buffer, size));
  if (names === undefined) {
    const error = failed(api, 'listxattr', isOpen ? undefined : file);
    if (error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return found;
    throw error;
  }
  for (const name of names.toString('latin1').split('\0')) {
    if (name === '') continue;
    const key = cString(name);
    const value = grow((buffer, size) => get(target, key, buffer, size));
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/** The result of a call with a buffer that is large enough; `undefined` when the call failed. */
function grow(call: (buffer: Buffer | null, size: number) => number): Buffer | undefined {
  const size = call(null, 0);
  if (size < 0) return undefined;
  if (size === 0) return Buffer.alloc(0);
  const buffer = Buffer.alloc(size);
  const filled = call(buffer, size);
  return filled < 0 ? undefined : buffer.subarray(0, filled);
}
