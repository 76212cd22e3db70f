/** `herds`: prints how ten thousand nodes get a new image, from a registry, through mirrors, and from one another. */
import { herdRows, tableOf } from './table.js';

process.stdout.write(tableOf(herdRows((name) => process.stderr.write(`${name}\n`))));
