/** Compresses exports. */
import { PassThrough, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { CairnError } from '../../engine/core/errors.js';
import type { OutputCompression } from '../tasks/export.js';

const CHUNK = 1 << 20;

// Node has it since 22.15; the types are those of the oldest Node that is supported.
const { createZstdCompress, constants } = zlib as {
  createZstdCompress?: (options: { params: Record<number, number> }) => Transform;
  constants: { ZSTD_c_checksumFlag?: number };
};

/** @throws CairnError `ERR_UNSUPPORTED` for zstd if this Node has none */
export function compressor(compress: OutputCompression): Transform {
  if (compress === 'none') return new PassThrough({ highWaterMark: CHUNK });
  if (compress === 'gzip') return zlib.createGzip({ level: 6 });
  if (createZstdCompress === undefined || constants.ZSTD_c_checksumFlag === undefined) {
    throw new CairnError(
      'ERR_UNSUPPORTED',
      `zstd output needs Node >= 22.15, and this is ${process.versions.node}; use gzip`,
    );
  }
  return createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}
