/**
 * Another build of cairn beside this one, in the same run. Only such a comparison tells what a change gained, as the
 * speed of a machine drifts.
 */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import type { Build } from './cairn.js';
import type { Contestant, Scenario } from './contestant.js';

const NAME = 'before';
const MARK = ` (${NAME})`;

/** @param checkout of another commit, with its `dist/` @throws Error where that is not built */
export function buildIn(checkout: string): Build {
  const program = resolve(checkout, 'dist', 'cli', 'cairn.cjs');
  if (!fs.existsSync(program)) throw new Error(`--against wants a checkout that is built: ${program} is not there`);
  return { name: NAME, program };
}

/** What a contestant is called when the other build runs it. */
export function nameBefore(name: string): string {
  return name + MARK;
}

export function isBefore(name: string): boolean {
  return name.endsWith(MARK);
}

/**
 * Each program of cairn's is followed by that of the other build. What has an axis stays as it is, and so does what
 * runs inside the benchmark's own process.
 * @param other the same scenario on the ground of the other build
 */
export function besideEachOther(scenario: Scenario, other: Scenario | undefined): Scenario {
  if (other === undefined || scenario.axis !== undefined) return scenario;
  const contestants = scenario.contestants.flatMap((own, i): Contestant[] => {
    const theirs = other.contestants[i];
    if (!own.name.startsWith('cairn ') || theirs === undefined) return [own];
    return [own, { ...theirs, name: nameBefore(own.name) }];
  });
  const close = async (): Promise<void> => {
    await scenario.close?.();
    await other.close?.();
  };
  return { ...scenario, contestants: contestants as [Contestant, ...Contestant[]], close };
}
