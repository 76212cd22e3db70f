/** Flips many bits: `node dist/test/long/bit-rot.js --count 1000 --seed 7`. Exits 1 if a flip was missed. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BitRot } from '../fixtures/bit-rot.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: `${Date.now() % 100_000}` } },
});
const dir = fs.mkdtempSync(join(tmpdir(), 'cairn-bit-rot-'));
try {
  const rot = await BitRot.open(dir, Number(values.seed));
  const { flips, found, named, healed, missed } = await rot.run(Number(values.count));
  await rot.close();
  for (const line of missed) console.log(`missed (seed ${values.seed}): ${line}`);
  console.log(`bit-rot: ${flips} flips, ${found} found, ${named} named, ${healed} healed, ${missed.length} missed`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
