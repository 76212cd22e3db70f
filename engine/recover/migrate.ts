/**
 * Brings a store of format 1 to format 2, where every image has a document.
 *
 * copy of the index beside it → documents staged → sync → in place → sync → one transaction → cairn.json
 *
 * A migration that is killed leaves a store of format 1 that works. The next opening migrates it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { stageDocument } from '../content/document-writer.js';
import { documentOf, encodeImageDocument } from '../content/image-document.js';
import { isCairnError, toCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { keyOfBytes } from '../core/key.js';
import { moveAside, moveIntoFreePlace, moveIntoPlace } from '../disk/durable.js';
import { stagedDocument } from '../disk/layout.js';
import { lock } from '../disk/lock.js';
import { allImages, putImage } from '../index/images.js';
import { schemaOf } from '../index/pods.js';
import { BASE_SCHEMA, type ImageRecord } from '../index/records.js';
import { releaseBlob, retainBlob } from '../index/references.js';
import type { StoreContext } from '../session/context.js';
import { DOCUMENTED_FORMAT, readFormat, writeFormat } from '../session/format.js';

/**
 * Migrates an open store of an older format. A full disk is no reason not to open a store: the caller may want to
 * remove something from it.
 */
export async function bringUpToDate(store: StoreContext): Promise<void> {
  try {
    await migrate(store);
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (isCairnError(error, 'ERR_NO_SPACE')) {
      store.notice(
        `no room to bring the store to format ${DOCUMENTED_FORMAT}; this is tried again when it is next opened`,
      );
      return;
    }
    await store.disk.close();
    store.staging.close();
    await store.index.close();
    throw error;
  }
}

/** Does nothing if another process has just migrated the store. @throws CairnError `ERR_NO_SPACE`, `ERR_IO` */
export async function migrate(store: StoreContext): Promise<void> {
  const { layout, index, disk, staging } = store;
  const alone = await lock(layout.useLock, true);
  try {
    if (readFormat(layout).format >= DOCUMENTED_FORMAT) return;
    disk.open();
    const dir = staging.make();
    try {
      if (index.schema < BASE_SCHEMA) await backUpIndex(store, dir);
      let images = 0;
      // Removing or pinning an image need not wait meanwhile. A changed image gets its document in the next round.
      for (let more = true; more; ) {
        const staged = await stageDocuments(store, dir);
        images += staged.size;
        more = !(await index.commit(() => recordDocuments(store, staged)));
      }
      writeFormat(layout, { format: DOCUMENTED_FORMAT, layout: 'loose' });
      store.notice(
        `the store was brought to format ${DOCUMENTED_FORMAT}: ${images} images got a document each; ` +
          `the index as it was is kept in ${layout.oldIndex(1)}`,
      );
    } catch (error) {
      staging.abandon(dir);
      throw error;
    } finally {
      if (!staging.isAbandoned(dir)) fs.rmSync(dir, { recursive: true, force: true });
    }
  } finally {
    alone.release();
  }
}

/** Replaces the copy of an earlier attempt, which may lack later imports. */
async function backUpIndex({ layout, index, disk }: StoreContext, dir: string): Promise<void> {
  const copy = join(dir, 'index');
  await index.copyTo(copy);
  moveAside(layout.oldIndex(1), join(dir, 'stale'));
  moveIntoPlace(copy, layout.oldIndex(1));
  await disk.sync();
}

/** Makes documents of all images that have none, durable and in place. @returns image → its document's key, size */
async function stageDocuments(
  { layout, index, disk }: StoreContext,
  dir: string,
): Promise<Map<Key, { key: Key; size: number }>> {
  const staged = new Map<Key, { key: Key; size: number }>();
  for (const image of allImages(index)) {
    if (image.document !== undefined) continue;
    const bytes = firstDocument({ index }, image);
    const key = keyOfBytes(bytes);
    stageDocument(dir, key, bytes);
    staged.set(image.key, { key, size: bytes.length });
  }
  await disk.sync();
  for (const { key } of staged.values()) moveIntoFreePlace(stagedDocument(dir, key), layout.blob(key));
  await disk.sync();
  return staged;
}

function firstDocument({ index }: Pick<StoreContext, 'index'>, image: ImageRecord): Buffer {
  const layers = [...new Set(image.layers)].map((key) => index.layer(key)).filter((layer) => layer !== undefined);
  return encodeImageDocument(documentOf(image, layers, 1));
}

/**
 * Runs inside the transaction.
 * @returns whether every image has its document now, and the index is of the new schema
 */
function recordDocuments({ index }: StoreContext, staged: ReadonlyMap<Key, { key: Key; size: number }>): boolean {
  for (const [imageKey, { key, size }] of staged) {
    const image = index.image(imageKey);
    retainBlob(index, key, size);
    if (image !== undefined && keyOfBytes(firstDocument({ index }, image)) === key)
      putImage(index, { ...image, document: key, revision: 1 });
    else releaseBlob(index, key);
  }
  for (const image of allImages(index)) if (image.document === undefined) return false;
  index.meta.put('schema', schemaOf(index));
  return true;
}
