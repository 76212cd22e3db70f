/** Stages new objects as files. Small ones go to a worker that does nothing else, if there is one. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Identity, SkippedKind } from '../../engine/core/metadata.js';
import { moveIntoPlace } from '../../engine/disk/durable.js';
import { finishFile } from '../../engine/disk/set-metadata.js';
import type { TocEntry } from '../../engine/layer/toc.js';
import type { ObjectStaging } from '../../engine/objects/home.js';
import { LargeFile } from './large-file.js';
import type { LargeContent, NewObjects } from './new-objects.js';
import { PARCELLED_BYTES, type ParcelWriter, writeObjectFile } from './object-file.js';

export interface LooseStagingOptions {
  staging: ObjectStaging;
  /** An existing directory for the file of a content whose name is not known yet. */
  scratch: string;
  identity: Identity;
  /** Takes small objects to another worker, which writes them. */
  parcels: ParcelWriter | undefined;
}

export class LooseStaging implements NewObjects {
  readonly files: string[] = [];
  readonly isPacked = false;
  readonly lastSector = 0;
  readonly #options: LooseStagingOptions;

  constructor(options: LooseStagingOptions) {
    this.#options = options;
  }

  add(name: string, bytes: Buffer, entry: TocEntry): SkippedKind[] {
    const { staging, identity, parcels } = this.#options;
    this.files.push(name);
    if (parcels === undefined || bytes.length > PARCELLED_BYTES || entry.xattrs.length > 0) {
      return writeObjectFile(staging.pathFor(name), bytes, entry, identity);
    }
    parcels.add(name, bytes, entry);
    return [];
  }

  begin(entry: TocEntry): LargeContent {
    const { staging, scratch, identity } = this.#options;
    const file = new LargeFile(join(scratch, 'large'));
    return {
      isPacked: false,
      write: (bytes) => file.write(bytes),
      skip: (length) => file.skip(length),
      finish: () => file.finish(),
      keep: (name) => {
        this.files.push(name);
        try {
          fs.fchmodSync(file.fd, entry.mode & 0o777);
          const skipped = finishFile(file.fd, file.path, entry, identity);
          moveIntoPlace(file.path, staging.pathFor(name));
          return skipped;
        } finally {
          file.close();
        }
      },
      drop: () => file.remove(),
      close: () => file.remove(),
    };
  }

  finish(): void {
    this.#options.parcels?.end();
  }

  close(): void {}
}
