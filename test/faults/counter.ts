/**
 * One of several processes that open an index, commit a little and close it: `counter.js INDEX SECONDS`. Each commit
 * adds one to a number that all processes share. Prints the number of its acknowledged commits, and its errors.
 */
import { openIndex } from '../../engine/index/open-index.js';
import type { Digest } from './count.js';

const [path = '', seconds = ''] = process.argv.slice(2);
const MOST_COMMITS = 4;
const NUMBER = 'number';

const digest: Digest = { acknowledged: 0, wrong: [] };
for (const end = Date.now() + Number(seconds) * 1000; Date.now() < end; ) {
  try {
    const index = await openIndex(path, { readOnly: false, shared: false }, () => {});
    try {
      for (let left = Math.random() * MOST_COMMITS; left > 0; left--) {
        await index.commit(() => {
          index.meta.put(NUMBER, ((index.meta.get(NUMBER) as number | undefined) ?? 0) + 1);
          // Pages come and go, so that a page that is used twice shows.
          for (let n = 0; n < 30; n++) {
            const key = `${Math.floor(Math.random() * 2000)}`;
            if (Math.random() < 0.5) index.fingerprints.remove(key);
            else index.fingerprints.put(key, ['x'.repeat(Math.random() * 300)]);
          }
        });
        digest.acknowledged++;
      }
    } finally {
      await index.close();
    }
  } catch (error) {
    digest.wrong.push((error as Error).message);
  }
}
process.stdout.write(JSON.stringify(digest));
