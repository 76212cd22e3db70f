/** Runs every command with every system call that touches its files failing, once and for good. */
import { runControls } from '../faults/controls.js';
import { sweepFailures, sweepSyncs } from '../faults/fail.js';
import { fastScratch } from '../faults/fast.js';
import { namedByLayout } from '../faults/layouts.js';
import { availableOperations } from '../faults/operations.js';
import { DEAF_SYNC } from '../faults/patched.js';
import { finish, skip } from '../faults/report.js';
import { straceFault } from '../faults/strace.js';
import { describeFinding } from '../faults/sweep.js';

/** The most failures for each command, spread over its run. */
const PER_OPERATION = 60;
const ENOUGH = 5;

const name = namedByLayout('fail');
const fault = straceFault();
if (fault !== undefined) skip(name, fault);
else {
  const operations = await availableOperations();
  const failed = await fastScratch((dir) => sweepFailures(dir, { operations, perOperation: PER_OPERATION }));
  const unsynced = await fastScratch((dir) => sweepSyncs(dir, { operations }));
  const controls = await runControls([DEAF_SYNC], async (build, dir) => {
    const program = `${build}/cli/cairn.js`;
    return (await sweepSyncs(dir, { operations, program, enough: ENOUGH })).findings.length;
  });
  finish({
    name,
    figures: {
      operations: operations.length,
      failures: failed.points,
      'succeeded in spite of them': failed.acknowledged,
      'of syncs': unsynced.points,
      'ended by defects of the lmdb package': failed.upstream + unsynced.upstream,
    },
    wrong: [...failed.findings, ...unsynced.findings].map(describeFinding),
    controls,
  });
}
