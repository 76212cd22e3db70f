/**
 * Runs eight processes on one store, for ten minutes undisturbed and for two with kills: `node dist/test/long/race.js
 * [--layout packs]`. With packs they mount trees as well, where that can be done.
 */
import { runControls } from '../faults/controls.js';
import { fastScratch } from '../faults/fast.js';
import { inPacks, namedByLayout } from '../faults/layouts.js';
import { mountedDiskFault, onDisk } from '../faults/mounted-disk.js';
import { collectUnderMounts } from '../faults/mounts-under-gc.js';
import { BUILD, MOUNTS_HOLD_NOTHING, NO_LANE_LOCK, NO_USE_LOCK } from '../faults/patched.js';
import { race } from '../faults/race.js';
import { finish, skip } from '../faults/report.js';

const PROCESSES = 8;
const SECONDS = 600;
const SECONDS_WITH_KILLS = 120;
const KILL_EVERY = 6;
const CONTROL_SECONDS = 20;

const name = namedByLayout('race');
const why = inPacks() ? await fastScratch(async (dir) => mountedDiskFault(dir)) : 'only packs';
if (inPacks() && why !== undefined) skip(`${name} with mounts`, why);
const mounts = why === undefined;
const place = mounts ? onDisk : fastScratch;

const peaceful = await place((dir) => race(dir, { processes: PROCESSES, seconds: SECONDS, build: BUILD, mounts }));
const deadly = await place((dir) =>
  race(dir, { processes: PROCESSES, seconds: SECONDS_WITH_KILLS, build: BUILD, killEvery: KILL_EVERY, mounts }),
);
const controls = await runControls([NO_USE_LOCK, ...(inPacks() ? [NO_LANE_LOCK] : [])], async (build, dir) => {
  return (await race(dir, { processes: PROCESSES, seconds: CONTROL_SECONDS, build })).wrong.length;
});
let collected: string[] = [];
if (mounts) {
  collected = await onDisk((dir) => collectUnderMounts(dir, BUILD));
  const unheld = async (build: string): Promise<number> =>
    (await onDisk((dir) => collectUnderMounts(dir, build))).length;
  controls.push(...(await runControls([MOUNTS_HOLD_NOTHING], unheld)));
}
finish({
  name,
  figures: {
    seconds: SECONDS + SECONDS_WITH_KILLS,
    operations: peaceful.operations + deadly.operations,
    'refused as is due': peaceful.refused + deadly.refused,
    'reads compared': peaceful.reads + deadly.reads,
    'processes killed': deadly.killed,
    'ms for the longest operation': Math.max(peaceful.longestMs, deadly.longestMs),
  },
  wrong: [...peaceful.wrong, ...deadly.wrong, ...collected.map((image) => `collected under a mount: ${image}`)],
  controls,
});
