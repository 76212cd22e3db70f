/** Kills every command at every system call that changes something: `node dist/test/long/kill.js [--layout packs]`. */
import { runControls } from '../faults/controls.js';
import { fastScratch } from '../faults/fast.js';
import { sweepKills } from '../faults/kill.js';
import { inPacks, namedByLayout } from '../faults/layouts.js';
import { availableOperations } from '../faults/operations.js';
import { COMMIT_FIRST, FORGOTTEN_FIRST, NO_NOTES, POD_COMMIT_FIRST } from '../faults/patched.js';
import { finish, skip } from '../faults/report.js';
import { straceFault } from '../faults/strace.js';
import { describeFinding } from '../faults/sweep.js';

/** The number of findings after which a control ends. */
const ENOUGH = 5;

const name = namedByLayout('kill');
const fault = straceFault();
if (fault !== undefined) skip(name, fault);
else {
  const operations = await availableOperations();
  const swept = await fastScratch((dir) => sweepKills(dir, { operations }));
  const imports = operations.filter(({ name }) => name.startsWith('import'));
  const controls = await runControls([COMMIT_FIRST, NO_NOTES], async (build, dir) => {
    const program = `${build}/cli/cairn.js`;
    return (await sweepKills(dir, { operations: imports, program, enough: ENOUGH })).findings.length;
  });
  const prepares = operations.filter(({ name }) => name.startsWith('prepare'));
  const ofPods = await runControls([POD_COMMIT_FIRST], async (build, dir) => {
    const program = `${build}/cli/cairn.js`;
    return (await sweepKills(dir, { operations: prepares, program, enough: ENOUGH })).findings.length;
  });
  const collects = operations.filter(({ name }) => name === 'gc of what was let go of');
  const ofPacks = await runControls(inPacks() ? [FORGOTTEN_FIRST] : [], async (build, dir) => {
    const program = `${build}/cli/cairn.js`;
    return (await sweepKills(dir, { operations: collects, program, enough: ENOUGH })).findings.length;
  });
  finish({
    name,
    figures: { operations: operations.length, points: swept.points, 'acknowledged before': swept.acknowledged },
    wrong: swept.findings.map(describeFinding),
    controls: [...controls, ...ofPods, ...ofPacks],
  });
}
