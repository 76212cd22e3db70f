/**
 * Keeps images' documents in step with the index. A changed image gets its new document inside the transaction that
 * records the change. So nobody else can be changing the same image, and the document is durable before the record that
 * names it.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { naming, toCairnError } from '../core/errors.js';
import { hexOf, type Key, keyOfBytes } from '../core/key.js';
import { moveIntoFreePlace, syncDirectory, syncFile } from '../disk/durable.js';
import { stagedDocument, stagedNames } from '../disk/layout.js';
import type { BlobRef, ImageRecord } from '../index/records.js';
import { hasBlob, releaseBlob, retainBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import { documentOf, encodeImageDocument } from './image-document.js';

/** The kind of commit that {@link commitImages} runs a change in. */
type Commit = <T>(change: () => T) => Promise<T>;

/** Commits a change of images together with their new documents. The next gc sweeps documents of a failed commit. */
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

/** Writes documents inside a transaction. */
export class DocumentWriter {
  readonly #store: StoreContext;
  #staging: string | undefined;
  #isNoteThere = false;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /**
   * Gives an image a new document, unless its present one says the same. Runs inside a transaction. On a full disk the
   * image keeps its present document: the change of the index may be the one that makes room.
   * @param image as it shall be, with its present document
   * @returns the image with the document that it has now, whose blob is retained
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
      // The document may be in its place already, with only its directory not yet on disk.
      this.abandon();
      notice(`no room for the new document of ${image.name || image.key}: only the index knows what has changed`);
      return image;
    }
    retainBlob(index, written.key, written.size);
    if (old !== undefined) releaseBlob(index, old);
    return { ...image, document: written.key, revision: revision + 1 };
  }

  /** Writes a document, which is durable when this returns. */
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

  /** Makes the note durable: after a power cut gc finds placed documents by it. */
  #syncNote(staging: string): void {
    syncFile(stagedNames(staging));
    const top = dirname(this.#store.layout.staging);
    for (let dir = staging; dir !== top && !this.#isNoteThere; dir = dirname(dir)) syncDirectory(dir);
    this.#isNoteThere = true;
  }

  /** Leaves placed documents to the next gc, which finds them by the note: no image may need them. */
  abandon(): void {
    if (this.#staging !== undefined) this.#store.staging.abandon(this.#staging);
  }

  close(): void {
    if (this.#staging === undefined || this.#store.staging.isAbandoned(this.#staging)) return;
    fs.rmSync(this.#staging, { recursive: true, force: true });
  }
}

/** Writes a document to a staging directory, and notes there that the document is going to be moved out. */
export function stageDocument(staging: string, key: Key, bytes: Uint8Array): void {
  const [names, document] = [stagedNames(staging), stagedDocument(staging, key)];
  naming(names, () => fs.appendFileSync(names, `\n${hexOf(key)}`, { mode: 0o600 }));
  naming(document, () => fs.writeFileSync(document, bytes, { mode: 0o600 }));
}
