/** Work for one task: enough to be worth sending, little enough to share out evenly. */
const BATCH_BYTES = 64 * 2 ** 20;
const BATCH_ITEMS = 2000;

/** Cuts a list into runs of bounded bytes and length. */
export function batches<T>(items: Iterable<T>, bytesOf: (item: T) => number): T[][] {
  const cut: T[][] = [];
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    batch.push(item);
    bytes += bytesOf(item);
    if (bytes < BATCH_BYTES && batch.length < BATCH_ITEMS) continue;
    cut.push(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) cut.push(batch);
  return cut;
}
