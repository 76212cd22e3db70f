/** Reads a store's index until it is killed: `reader.js STORE`. Prints the number of readers in LMDB's table. */
import { Layout } from '../../engine/disk/layout.js';
import { Index } from '../../engine/index/open.js';

const [dir = ''] = process.argv.slice(2);
const index = Index.open(new Layout(dir).index, false);
const range = index.meta.entries();
range.next();
process.stdout.write(`${countReaders(index.readers())}\n`);
setInterval(() => range, 60_000);

/** The list has two lines of heading, then a line for each reader. */
function countReaders(list: string): number {
  return list.split('\n').filter((line) => /^\s*\d+ /.test(line)).length;
}
