/** Tells armored OpenPGP data from binary, and several blocks of it apart. */

/** Data as the library takes it. */
export type Block = { armored: string } | { binary: Uint8Array };

const BEGINNING = /^(?=-----BEGIN PGP )/m;

/**
 * The blocks of a file: those of an armored one, whatever text lies before, or the whole of a binary one.
 * @returns none, if the file can be neither
 */
export function blocksIn(bytes: Uint8Array): Block[] {
  const [first] = bytes;
  if (first === undefined) return [];
  // The first bit of a binary packet is always set, that of armor never.
  if ((first & 0x80) !== 0) return [{ binary: new Uint8Array(bytes) }];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return text
    .split(BEGINNING)
    .filter((part) => part.startsWith('-----BEGIN PGP '))
    .map((armored) => ({ armored }));
}
