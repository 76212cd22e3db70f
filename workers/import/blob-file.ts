/** Writes a blob to staging. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { naming } from '../../engine/core/errors.js';
import { writeAll } from '../../engine/disk/write-all.js';
import type { StagedBlob } from '../tasks/parts.js';

/** A blob being written, and hashed on the way. */
export class BlobFile {
  readonly #hash = createHash('sha512');
  readonly #path: string;
  #fd: number;
  #size = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = fs.openSync(path, 'wx', 0o600);
  }

  write(bytes: Buffer): void {
    this.#hash.update(bytes);
    naming(this.#path, () => writeAll(this.#fd, bytes));
    this.#size += bytes.length;
  }

  finish(): StagedBlob {
    this.close();
    return { sha512: this.#hash.digest('hex'), size: this.#size };
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** A blob that another file holds already, or will when its last bytes have come: it becomes a second name of that. */
export class LinkedBlob {
  readonly #hash = createHash('sha512');
  readonly #path: string;
  readonly #to: string;
  #size = 0;

  /** @param path of the file, on the same file system */
  constructor(path: string, to: string) {
    this.#path = path;
    this.#to = to;
  }

  write(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  finish(): StagedBlob {
    fs.linkSync(this.#path, this.#to);
    return { sha512: this.#hash.digest('hex'), size: this.#size };
  }

  close(): void {}
}

export function writeBlob(path: string, bytes: Buffer): StagedBlob {
  const file = new BlobFile(path);
  try {
    file.write(bytes);
    return file.finish();
  } finally {
    file.close();
  }
}
