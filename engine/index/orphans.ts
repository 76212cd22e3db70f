/**
 * Keys of orphans: what nothing needs any more is listed as one. Its files stay until gc, since an import may be about to rely on them.
 */

const OBJECT_TAG = Buffer.from('o');
const BLOB_TAG = Buffer.from('b');

export const objectOrphan = (key: Buffer): Buffer => Buffer.concat([OBJECT_TAG, key]);
export const blobOrphan = (key: Buffer): Buffer => Buffer.concat([BLOB_TAG, key]);

/** Where those of objects begin. */
export const FIRST_OBJECT = OBJECT_TAG;

/** The orphan's kind and the key it has in its own table. */
export function readOrphan(orphan: Buffer): { kind: 'object' | 'blob'; key: Buffer } {
  return { kind: orphan[0] === OBJECT_TAG[0] ? 'object' : 'blob', key: orphan.subarray(1) };
}
