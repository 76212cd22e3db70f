/** Runs all pod manifests of rkt's tests under every OCI runtime that is here, and copies of the roots, too. */
import * as fs from 'node:fs';
import type { Bundle } from '../../engine/pod/bundle/options.js';
import { checkRan, POD_CASES } from '../fixtures/pod-cases.js';
import { PodTests } from '../fixtures/pods.js';
import { RUNTIMES, runBundle } from '../fixtures/runtime.js';

const pods = new PodTests();
await pods.open();
let ran = 0;
const failed: string[] = [];
try {
  for (const runtime of RUNTIMES) {
    for (const rootfs of ['overlay', 'copy'] as const) {
      for (const each of POD_CASES.filter(({ only }) => only === undefined || only === runtime)) {
        const host = pods.hostDirectory({ file: '' });
        const [bundle] = (await pods.bundle(each.spec(host), { rootfs })) as [Bundle];
        try {
          checkRan(each, await runBundle(bundle.dir, runtime), host);
        } catch (error) {
          failed.push(`${runtime}, ${rootfs}, ${each.name}: ${(error as Error).message}`);
        }
        ran++;
        fs.rmSync(host, { recursive: true });
      }
    }
  }
} finally {
  await pods.close();
}
for (const each of failed) process.stderr.write(`${each}\n`);
process.stdout.write(
  `pod-cases: ${ran} apps run under ${RUNTIMES.join(' and ') || 'nothing'}, ${failed.length} failed\n`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
