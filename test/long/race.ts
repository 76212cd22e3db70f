/** Runs eight processes on one store, for ten minutes undisturbed and for two with kills. */
import { runControls } from '../faults/controls.js';
import { fastScratch } from '../faults/fast.js';
import { BUILD, NO_USE_LOCK } from '../faults/patched.js';
import { race } from '../faults/race.js';
import { finish } from '../faults/report.js';

const PROCESSES = 8;
const SECONDS = 600;
const SECONDS_WITH_KILLS = 120;
const KILL_EVERY = 6;
const CONTROL_SECONDS = 20;

const peaceful = await fastScratch((dir) => race(dir, { processes: PROCESSES, seconds: SECONDS, build: BUILD }));
const deadly = await fastScratch((dir) =>
  race(dir, { processes: PROCESSES, seconds: SECONDS_WITH_KILLS, build: BUILD, killEvery: KILL_EVERY }),
);
const controls = await runControls([NO_USE_LOCK], async (build, dir) => {
  return (await race(dir, { processes: PROCESSES, seconds: CONTROL_SECONDS, build })).wrong.length;
});
finish({
  name: 'race',
  figures: {
    seconds: SECONDS + SECONDS_WITH_KILLS,
    operations: peaceful.operations + deadly.operations,
    'refused as is due': peaceful.refused + deadly.refused,
    'reads compared': peaceful.reads + deadly.reads,
    'processes killed': deadly.killed,
    'ms for the longest operation': Math.max(peaceful.longestMs, deadly.longestMs),
  },
  wrong: [...peaceful.wrong, ...deadly.wrong],
  controls,
});
