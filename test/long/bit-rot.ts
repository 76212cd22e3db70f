/** Flips many bits: `node dist/test/long/bit-rot.js --count 1000 --seed 7 [--layout packs]`. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { namedByLayout } from '../faults/layouts.js';
import { BitRot } from '../fixtures/bit-rot.js';

const name = namedByLayout('bit-rot');
const { values } = parseArgs({
  strict: false,
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: `${Date.now() % 100_000}` } },
});
const dir = fs.mkdtempSync(join(tmpdir(), 'cairn-bit-rot-'));
try {
  const rot = await BitRot.open(dir, Number(values.seed));
  const { flips, found, named, healed, missed } = await rot.run(Number(values.count));
  await rot.close();
  for (const line of missed) console.log(`missed (seed ${values.seed}): ${line}`);
  console.log(`${name}: ${flips} flips, ${found} found, ${named} named, ${healed} healed, ${missed.length} missed`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
