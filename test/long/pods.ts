/** A thousand pods, of which half go. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runControls } from '../faults/controls.js';
import { fastScratch } from '../faults/fast.js';
import { halvePods } from '../faults/many-pods.js';
import { PODS_HOLD_NOTHING } from '../faults/patched.js';
import { finish } from '../faults/report.js';

const COUNT = 1000;
/** So many are enough to find that gc takes what the others need. */
const OF_CONTROL = 10;

const wrong = await fastScratch((dir) => halvePods(dir, COUNT));
const controls = await runControls([PODS_HOLD_NOTHING], async (build) => {
  const program = join(build, 'test', 'faults', 'many-pods.js');
  const { stdout } = spawnSync(process.execPath, [program, `${OF_CONTROL}`], { encoding: 'utf8' });
  return stdout.split('\n').length - 1;
});
finish({ name: 'pods', figures: { pods: COUNT, removed: COUNT / 2 }, wrong, controls });
