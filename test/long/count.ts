/** Eight processes open, commit to and close one index. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { runControls } from '../faults/controls.js';
import { countCommits } from '../faults/count.js';
import { fastScratch } from '../faults/fast.js';
import { BUILD, NO_TURNS } from '../faults/patched.js';
import { finish } from '../faults/report.js';

const PROCESSES = 8;
const SECONDS = 120;
const CONTROL_SECONDS = 30;

function makeIndexDirectory(dir: string): string {
  fs.mkdirSync(join(dir, 'index'));
  return join(dir, 'index');
}

const { acknowledged, wrong } = await fastScratch((dir) =>
  countCommits(BUILD, makeIndexDirectory(dir), PROCESSES, SECONDS),
);
const controls = await runControls([NO_TURNS], async (build, dir) => {
  return (await countCommits(build, makeIndexDirectory(dir), PROCESSES, CONTROL_SECONDS)).wrong.length;
});
finish({ name: 'count', figures: { seconds: SECONDS, 'commits acknowledged': acknowledged }, wrong, controls });
