/** Runs a test on builds that lack one protection each. */
import { fastScratch } from './fast.js';
import { type Patch, patchedBuild } from './patched.js';

/** @param test returns the number of findings @returns each patch's name and number of findings */
export async function runControls(
  patches: readonly Patch[],
  test: (build: string, dir: string) => Promise<number>,
): Promise<{ name: string; found: number }[]> {
  const controls: { name: string; found: number }[] = [];
  for (const patch of patches) {
    const found = fastScratch((at) => fastScratch((dir) => test(patchedBuild(at, patch), dir)));
    controls.push({ name: patch.name, found: await found.catch(tellOf) });
  }
  return controls;
}

/** A control that fails to run has found nothing; the other controls count all the same. */
function tellOf(error: Error): number {
  process.stderr.write(`${error.stack}\n`);
  return 0;
}
