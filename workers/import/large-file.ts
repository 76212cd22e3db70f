/** A file that is written and hashed piece by piece. Its holes take no room where the file system can keep them. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { writeAll } from '../../engine/disk/write-all.js';

const ZEROS = Buffer.alloc(1 << 20);

export class LargeFile {
  readonly path: string;
  readonly fd: number;
  readonly #hash = createHash('sha512');
  /** Bytes so far, holes included. */
  #size = 0;
  #endsInHole = false;

  /** Makes the file, which must not be there. */
  constructor(path: string) {
    this.path = path;
    this.fd = fs.openSync(path, 'wx', 0o600);
  }

  write(bytes: Buffer): void {
    this.#hash.update(bytes);
    writeAll(this.fd, bytes, this.#size);
    this.#size += bytes.length;
    this.#endsInHole = false;
  }

  skip(length: number): void {
    for (let left = length; left > 0; left -= ZEROS.length) this.#hash.update(ZEROS.subarray(0, left));
    this.#size += length;
    this.#endsInHole = true;
  }

  /** @returns the sha512 of the content, in hex */
  finish(): string {
    if (this.#endsInHole) fs.ftruncateSync(this.fd, this.#size);
    return this.#hash.digest('hex');
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  remove(): void {
    this.close();
    fs.unlinkSync(this.path);
  }
}
