/**
 * Fuzzes for long: `node dist/test/long/fuzz.js [--count N] [--seed N] [--trial-every N]`, N archives and a tenth of
 * that for each kind of document. Prints one line; exits 1 for a failure.
 */
import { parseArgs } from 'node:util';
import { fuzzDocuments } from '../fuzz/documents.js';
import { fuzz, summary } from '../fuzz/fuzz.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    'trial-every': { type: 'string', default: '50' },
  },
});
const seed = Number(values.seed);
process.stderr.write(`fuzz: seed ${seed}\n`);
try {
  const report = await fuzz({
    count: Number(values.count),
    seed,
    trialEvery: Number(values['trial-every']),
    onProgress: (done) => process.stderr.write(`fuzz: ${done} archives\n`),
  });
  const { documents, accepted } = await fuzzDocuments(Math.ceil(Number(values.count) / 10), seed);
  process.stdout.write(`${summary(report)}; ${documents} documents, ${accepted} accepted\n`);
} catch (error) {
  process.stderr.write(`fuzz: failed with --seed ${seed}: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
