/**
 * Decodes xz with `xz-decompress`, the xz project's own small decoder as WebAssembly. It verifies headers, index, CRC32
 * and CRC64, and takes several streams and padding.
 */
import { CairnError } from '../../engine/core/errors.js';
import { badCompression } from './byte-source.js';
import { withSmallDictionaries } from './xz-dictionary.js';

export async function* unxzed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { default: xz } = await import('xz-decompress');
  const source = withSmallDictionaries(chunks);
  let broken: unknown;
  const input = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next().catch((error: unknown) => {
          broken = error;
          throw error;
        });
        if (done !== true) controller.enqueue(value);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  try {
    for await (const { buffer, byteOffset, length } of new xz.XzReadableStream(input)) {
      if (length > 0) yield Buffer.from(buffer, byteOffset, length);
    }
  } catch (error) {
    throw broken ?? refusal(error);
  } finally {
    await source.return(undefined);
  }
}

/**
 * The error for one of the decoder's, which has a number: 3 and 4 for memory (too large dictionaries do not get that
 * far), 6 for features that it was built without, 8 for the end of the input, others for corrupt data.
 */
function refusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = /error code (\d+)$/.exec(error.message)?.[1];
  if (code === '3' || code === '4')
    return new CairnError('ERR_UNSUPPORTED', 'xz: not enough memory for its dictionary');
  if (code === '6')
    return new CairnError(
      'ERR_UNSUPPORTED',
      'xz: only the filter LZMA2, and CRC32 or CRC64 as checksum, are supported',
    );
  if (code === undefined && error.name !== 'RuntimeError') return error;
  return badCompression(
    'xz',
    code === '8' ? 'it is cut short, or data after its end' : 'its data makes no sense',
    error,
  );
}
