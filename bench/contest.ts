/** Runs contestants by turns, as whole processes, and tells medians. Turns, because a machine's mood changes within minutes. */
import { spawnSync } from 'node:child_process';

export interface Contestant {
  name: string;
  /** Brings things into the state that the work begins from; not timed. */
  prepare: () => void;
  /** A shell command line; its wall time counts, from start to exit. */
  command: string;
}

export interface Result {
  name: string;
  median: number;
  min: number;
  max: number;
  /** How many times as long as the first contestant it took. */
  ratio: number;
}

export function sh(command: string): string {
  const done = spawnSync('bash', ['-c', command], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`${command}: ${done.stderr}`);
  return done.stdout;
}

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** @returns results in the order of the contestants; times in milliseconds */
export function contest(contestants: readonly Contestant[], runs: number): Result[] {
  const times = contestants.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, { prepare, command }] of contestants.entries()) {
      prepare();
      const begun = performance.now();
      sh(command);
      times[i]?.push(performance.now() - begun);
    }
  }
  const medians = times.map(median);
  return contestants.map(({ name }, i) => ({
    name,
    median: medians[i] as number,
    min: Math.min(...(times[i] as number[])),
    max: Math.max(...(times[i] as number[])),
    ratio: (medians[i] as number) / (medians[0] as number),
  }));
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
