/** Reads a store's index and stays in the middle of it until it is killed: `reader.js STORE`. Tells how many readers there are then. */
import { Layout } from '../../engine/disk/layout.js';
import { Index } from '../../engine/index/open.js';

const [dir = ''] = process.argv.slice(2);
const index = Index.open(new Layout(dir).index, false);
const range = index.meta.entries();
range.next();
process.stdout.write(`${countReaders(index.readers())}\n`);
setInterval(() => range, 60_000);

/** Two lines of heading, then one for each. */
function countReaders(list: string): number {
  return list.split('\n').filter((line) => /^\s*\d+ /.test(line)).length;
}
