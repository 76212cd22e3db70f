/**
 * Paths as the kernel sees them are bytes, not text. Inside the engine a path is a *byte string*: a JavaScript string
 * whose every char code is one byte (0–255). Such strings compare, hash and sort in byte order with the plain
 * operators, and V8 keeps them at one byte a char. They are turned into text or Buffers only at the edges.
 */
export type ByteString = string;

const ASCII = /^[\x00-\x7f]*$/;

export function isAscii(bytes: ByteString): boolean {
  return ASCII.test(bytes);
}

export function fromText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text that a byte string spells, with U+FFFD where its bytes are not UTF-8. */
export function toText(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

export function toBuffer(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** Whether a byte string is well-formed UTF-8. */
export function isUtf8(bytes: ByteString): boolean {
  return isAscii(bytes) || fromText(toText(bytes)) === bytes;
}

/**
 * A path in the form for `node:fs`: a string, which is faster, where that means the same bytes, else a Buffer.
 */
export function toFsPath(bytes: ByteString): string | Buffer {
  return isAscii(bytes) ? bytes : toBuffer(bytes);
}
