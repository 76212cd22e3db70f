/** How the stores of a sweep keep the contents of files: by default as files, else in packs. */
import { parseArgs } from 'node:util';

/** Whether stores that are made from here on, in this process and in those that it starts, have packs. */
export function inPacks(): boolean {
  return process.env['CAIRN_LAYOUT'] === 'packs';
}

/** Makes all stores of this process and its children with packs. */
export function usePacks(): void {
  process.env['CAIRN_LAYOUT'] = 'packs';
}

/** Reads `--layout packs` of a long run. @returns the run's name with what it runs on */
export function namedByLayout(name: string): string {
  const { values } = parseArgs({ options: { layout: { type: 'string', default: 'loose' } }, strict: false });
  if (values.layout === 'packs') usePacks();
  return inPacks() ? `${name} of packs` : name;
}
