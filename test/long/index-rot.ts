/** Flips a thousand bits of the index: `node dist/test/long/index-rot.js [--count N] [--seed N]`. */
import { parseArgs } from 'node:util';
import { fastScratch } from '../faults/fast.js';
import { finish } from '../faults/report.js';
import { rotIndex } from '../fixtures/index-rot.js';

const CONTROL_FLIPS = 100;

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '20261124' } },
});
const seed = Number(values.seed);
const { flips, found, harmless, missed } = await fastScratch((dir) => rotIndex(dir, Number(values.count), seed));
const blind = await fastScratch((dir) => rotIndex(dir, CONTROL_FLIPS, seed, { lookAt: async () => false }));
finish({
  name: 'index-rot',
  figures: { flips, found, 'of bytes that nothing uses': harmless },
  wrong: missed,
  controls: [{ name: 'no look at the index', found: blind.missed.length }],
});
