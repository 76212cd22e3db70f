/** Cuts the power, on ext4 and on xfs, while a store is at work. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { runControls } from '../faults/controls.js';
import { fastScratch } from '../faults/fast.js';
import { namedByLayout } from '../faults/layouts.js';
import { FILE_SYSTEMS, type FileSystem, loopDiskFault } from '../faults/loop-disk.js';
import { BUILD, NO_SYNC } from '../faults/patched.js';
import { cutPower, type PowerCutOptions, type PowerCuts, WITHOUT_SYNCS } from '../faults/power-cut.js';
import { finish, skip } from '../faults/report.js';
import { straceFault } from '../faults/strace.js';

const run = namedByLayout('power-cut');
const CUTS = 120;
const CONTROL_CUTS = 20;

/** Programs under which no sync does anything. */
const UNDER: [name: string, under: readonly string[]][] = [];
if (straceFault() === undefined) UNDER.push(['no sync at all', WITHOUT_SYNCS]);
if (spawnSync('eatmydata', ['true']).status === 0) UNDER.push(['under eatmydata', ['eatmydata']]);
else skip(`${run} under eatmydata`, 'it is not installed');

const cut = (options: PowerCutOptions): Promise<PowerCuts> => fastScratch((dir) => cutPower(dir, options));

const figures: Record<string, number> = {};
const wrong: string[] = [];
const controls: { name: string; found: number }[] = [];

async function runOn(type: FileSystem): Promise<void> {
  const { cuts, acknowledged, damage } = await cut({ type, cuts: CUTS, build: BUILD });
  figures[`cuts of ${type}`] = cuts;
  figures[`results acknowledged on ${type}`] = acknowledged;
  wrong.push(...damage.flat());
  const control = { type, cuts: CONTROL_CUTS, afresh: true };
  const patched = await runControls(
    [NO_SYNC],
    async (build, dir) => (await cutPower(dir, { ...control, build })).damage.length,
  );
  controls.push(...patched.map(({ name, found }) => ({ name: `${name} on ${type}`, found })));
  for (const [name, under] of UNDER) {
    const { damage: lost } = await cut({ ...control, build: BUILD, under });
    controls.push({ name: `${name} on ${type}`, found: lost.length });
  }
}

for (const type of FILE_SYSTEMS) {
  const fault = await fastScratch(async (dir) => {
    fs.mkdirSync(join(dir, 'tried'));
    return loopDiskFault(join(dir, 'tried'), type);
  });
  if (fault === undefined) await runOn(type);
  else skip(`${run} on ${type}`, fault);
}
if (Object.keys(figures).length > 0) finish({ name: run, figures, wrong, controls });
