/**
 * Content codings of answers (RFC 9110 §8.4). We ask for none. Some servers compress all the same, and some label a
 * file that is compressed already: Apache calls every `.gz` an `x-gzip`. The file is what was meant to be given: its
 * digest and its signatures are those of its bytes.
 */
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { CairnError } from '../core/errors.js';
import { DEFAULT_LIMITS, FREE_OUTPUT } from '../core/limits.js';
import { printable } from '../core/printable.js';
import { shownUrl } from './shown-url.js';

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: zlib.createGunzip,
  'x-gzip': zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
};

/** Codings that an archive may have of itself: its server may only label it. */
const ARCHIVES: ReadonlySet<string> = new Set(['gzip', 'x-gzip']);
/** What compressed archives begin with: gzip, bzip2, xz, zstd. */
const PACKED = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x28, 0xb5, 0x2f, 0xfd],
];
/** Bytes that tell whether something is compressed. */
const HEAD = 8;
/** Bytes that are decoded to get these. */
const LOOKED_AT = 1024;

/** An answer of a server. */
export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The last one, after redirects. */
  url: URL;
  /** The bytes as they come. Whoever does not read them to the end destroys the stream. */
  body: Readable;
}

/** The coding of an answer; nothing if its bytes are as they are. */
export function codingOf({ headers }: Pick<Answer, 'headers'>): string | undefined {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  return coding === '' || coding === 'identity' ? undefined : coding;
}

/**
 * The bytes of a document, whatever it was compressed with on its way.
 * @throws CairnError `ERR_HTTP` for a coding that is not known, and for what is not coded as it says; `ERR_LIMIT`
 */
export function decodeDocument(bytes: Buffer, response: Pick<Answer, 'headers' | 'url'>, most: number): Buffer {
  const coding = codingOf(response);
  if (coding === undefined) return bytes;
  decoderOf(coding, response.url);
  const options = { maxOutputLength: most };
  try {
    if (coding === 'br') return zlib.brotliDecompressSync(bytes, options);
    return coding === 'deflate' ? zlib.inflateSync(bytes, options) : zlib.gunzipSync(bytes, options);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE') throw notCoded(coding, response.url, cause);
    throw new CairnError('ERR_LIMIT', `${shownUrl(response.url)} sends more than ${most} bytes`);
  }
}

/**
 * The bytes of a file, as they come. One that is packed as it is sent, and not any more when it is decoded, was only
 * labelled, and stays as it is.
 * @param size bytes that it has, if that is known
 * @param onReceived hears of bytes that came over the network
 * @throws CairnError as {@link decodeDocument} does, and as the body's own errors are
 */
export async function* decodedFile(
  response: Answer,
  size: number | undefined,
  onReceived: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let received = 0;
  const coming = hearing(response.body, (bytes) => {
    received += bytes;
    onReceived(bytes);
  });
  const coding = codingOf(response);
  if (coding === undefined || isOfSize(response, size)) {
    yield* coming;
    return;
  }
  const makeDecoder = decoderOf(coding, response.url);
  const head: Buffer[] = [];
  for (let length = 0; length < LOOKED_AT; ) {
    const { value, done } = await coming.next();
    if (done === true) break;
    head.push(value);
    length += value.length;
  }
  const all = joined(head, coming);
  if (isLabel(coding, Buffer.concat(head), { response, size })) {
    yield* all;
    return;
  }
  let out = 0;
  for await (const part of decoding(all, makeDecoder(), response)) {
    out += part.length;
    if (out > FREE_OUTPUT && out > received * DEFAULT_LIMITS.maxRatio) throw tooMuch(response.url, coding);
    yield part;
  }
}

/** Whether an answer is of the file as it is, whatever it says. */
export function isOfSize({ status, headers }: Answer, size: number | undefined): boolean {
  const total = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  return size !== undefined && total !== undefined && Number(total) === size;
}

function isLabel(
  coding: string,
  head: Buffer,
  { response, size }: { response: Answer; size: number | undefined },
): boolean {
  if (!ARCHIVES.has(coding)) return false;
  // The file has another number of bytes than what is sent.
  if (size !== undefined && response.headers['content-length'] !== undefined) return false;
  const decoded = beginningOf(head.subarray(0, LOOKED_AT));
  return decoded.length >= HEAD && !PACKED.some((magic) => magic.every((byte, i) => decoded[i] === byte));
}

/** What a compressed beginning decodes to; nothing if it is not compressed. */
function beginningOf(head: Buffer): Buffer {
  try {
    return zlib.gunzipSync(head, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

async function* hearing(body: Readable, hear: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const part of body as AsyncIterable<Buffer>) {
    hear(part.length);
    yield part;
  }
}

async function* joined(head: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  yield* rest;
}

async function* decoding(coded: AsyncGenerator<Buffer>, decoder: Transform, response: Answer): AsyncGenerator<Buffer> {
  let broken: unknown;
  const source = Readable.from(coded, { objectMode: false });
  source.on('error', (error) => {
    broken = error;
  });
  try {
    // How it ended is told to whoever reads the decoder.
    pipeline(source, decoder, () => {});
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    throw broken ?? notCoded(codingOf(response) as string, response.url, error);
  } finally {
    decoder.destroy();
  }
}

function decoderOf(coding: string, url: URL): () => Transform {
  const decoder = DECODERS[coding];
  if (decoder !== undefined) return decoder;
  throw new CairnError('ERR_HTTP', `${shownUrl(url)} sends its bytes in the content coding ${printable(coding)}`);
}

function notCoded(coding: string, url: URL, cause: unknown): CairnError {
  return new CairnError('ERR_HTTP', `${shownUrl(url)} sends what is no ${coding} though it says so`, { cause });
}

function tooMuch(url: URL, coding: string): CairnError {
  const most = DEFAULT_LIMITS.maxRatio;
  return new CairnError('ERR_LIMIT', `${shownUrl(url)} sends ${coding} of more than ${most} bytes for each of its own`);
}
