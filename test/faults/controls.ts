/** Runs a test on builds with one protection taken out. */
import { fastScratch } from './fast.js';
import { type Patch, patchedBuild } from './patched.js';

/** @param test gives how often something was found @returns for each patch its name and that */
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

/** What was found before counts all the same; a control that could not run has found nothing. */
function tellOf(error: Error): number {
  process.stderr.write(`${error.stack}\n`);
  return 0;
}
