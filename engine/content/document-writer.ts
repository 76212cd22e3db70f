/**
 * Keeping images' documents in step with the index. A changed image gets its new document inside the transaction that records the
 * change: nobody else can be changing the same image, and the document is durable before the record that names it.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { toCairnError } from '../core/errors.js';
import { hexOf, type Key, keyOfBytes } from '../core/key.js';
import { moveIntoFreePlace, syncDirectory, syncFile } from '../disk/durable.js';
import { stagedDocument, stagedNames } from '../disk/layout.js';
import type { BlobRef, ImageRecord } from '../index/records.js';
import { hasBlob, releaseBlob, retainBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import { documentOf, encodeImageDocument } from './image-document.js';

/** As much of a commit as {@link DocumentWriter} is about. */
type Commit = <T>(change: () => T) => Promise<T>;

/** Commits a change of images together with their new documents. What a failed commit leaves of these, the next gc sweeps. */
export function commitImages<T>(
  store: StoreContext,
  change: (documents: DocumentWriter) => T,
  commit: Commit = (work) => store.index.commit(work),
): Promise<T> {
  const documents = new DocumentWriter(store);
  return store.uses.during(undefined, async () => {
    try {
      return await commit(() => change(documents));
    } catch (error) {
      documents.abandon();
      throw error;
    } finally {
      documents.close();
    }
  });
}

/** Writes documents in the middle of a transaction. */
export class DocumentWriter {
  readonly #store: StoreContext;
  #staging: string | undefined;
  #isNoteThere = false;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /**
   * Records an image, with a new document unless the one it has says the same. Inside a transaction. On a full disk the image keeps
   * the document it has: changing the index may still be what makes room.
   * @param image as it shall be, with the document that it has
   * @returns it with the document that it has now, whose blob is retained
   */
  revise(image: ImageRecord): ImageRecord {
    const { index, notice } = this.#store;
    const layers = [...new Set(image.layers)].map((key) => index.layer(key)).filter((layer) => layer !== undefined);
    const { document: old, revision = 0 } = image;
    const same = (): boolean => keyOfBytes(encodeImageDocument(documentOf(image, layers, revision))) === old;
    if (old !== undefined && hasBlob(index, old) && same()) return image;
    let written: BlobRef;
    try {
      written = this.#write(encodeImageDocument(documentOf(image, layers, revision + 1)));
    } catch (thrown) {
      const error = toCairnError(thrown) as { code?: string };
      if (error.code !== 'ERR_NO_SPACE') throw thrown;
      // It may be in its place already, and only its directory not on disk.
      this.abandon();
      notice(`no room for the new document of ${image.name || image.key}: only the index knows what has changed`);
      return image;
    }
    retainBlob(index, written.key, written.size);
    if (old !== undefined) releaseBlob(index, old);
    return { ...image, document: written.key, revision: revision + 1 };
  }

  /** Durable when it returns. */
  #write(bytes: Buffer): BlobRef {
    const { layout, staging } = this.#store;
    this.#staging ??= staging.make();
    const key = keyOfBytes(bytes);
    const staged = stagedDocument(this.#staging, key);
    const target = layout.blob(key);
    stageDocument(this.#staging, key, bytes);
    this.#syncNote(this.#staging);
    syncFile(staged);
    const shard = dirname(target);
    const isNewShard = !fs.existsSync(shard);
    moveIntoFreePlace(staged, target);
    syncDirectory(shard);
    if (isNewShard) syncDirectory(dirname(shard));
    return { key, size: bytes.length };
  }

  /** After a power cut gc must find what was placed, by its note. */
  #syncNote(staging: string): void {
    syncFile(stagedNames(staging));
    const top = dirname(this.#store.layout.staging);
    for (let dir = staging; dir !== top && !this.#isNoteThere; dir = dirname(dir)) syncDirectory(dir);
    this.#isNoteThere = true;
  }

  /** What was placed may be nobody's: it is left to the next gc, which finds it by the note. */
  abandon(): void {
    if (this.#staging !== undefined) this.#store.staging.abandon(this.#staging);
  }

  close(): void {
    if (this.#staging === undefined || this.#store.staging.isAbandoned(this.#staging)) return;
    fs.rmSync(this.#staging, { recursive: true, force: true });
  }
}

/** Writes a document to a staging directory, and notes that it is going to leave it. */
export function stageDocument(staging: string, key: Key, bytes: Uint8Array): void {
  fs.appendFileSync(stagedNames(staging), `\n${hexOf(key)}`, { mode: 0o600 });
  fs.writeFileSync(stagedDocument(staging, key), bytes, { mode: 0o600 });
}
