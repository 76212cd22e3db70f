/**
 * The micro-benchmarks: single functions in this process. They show what a change of one function gains, not how long a
 * user waits.
 */
import { Bench } from 'tinybench';
import { table } from '../../cli/table.js';
import { formatSize } from '../../cli/units.js';
import type { MicroCase, MicroGroup } from './case.js';
import { codecCases } from './codecs.js';
import { indexCases } from './index-records.js';
import { nameCases } from './names.js';
import { planCases } from './plan.js';
import { tarCases } from './tar.js';

/** Milliseconds for each case; a warm-up of a fifth of that comes before. */
const TIME = 1000;

/** @param scratch a directory for the index, on the file system that is measured */
export async function* microGroups(scratch: string): AsyncGenerator<MicroGroup> {
  for (const make of [tarCases, planCases, codecCases, nameCases, () => indexCases(scratch)]) {
    const group = await make();
    yield group;
    await group.close?.();
  }
}

export async function runMicro(scratch: string, say: (text: string) => void): Promise<void> {
  for await (const group of microGroups(scratch)) {
    say(`micro: ${group.name}`);
    process.stdout.write(`\n${group.name}\n${await measureGroup(group)}`);
  }
}

async function measureGroup({ cases }: MicroGroup): Promise<string> {
  const bench = new Bench({ time: TIME, warmupTime: TIME / 5, iterations: 5, throws: true });
  for (const each of cases) bench.add(each.name, () => each.run());
  const tasks = await bench.run();
  const rows = cases.map((each, i) => {
    const result = tasks[i]?.result;
    if (result?.state !== 'completed') throw new Error(`${each.name}: ${result?.state}`);
    const { p50, min, max } = result.latency;
    return row(each, p50, min, max);
  });
  return table(['FUNCTION', 'MEDIAN', 'MIN–MAX', 'RATE', 'SPEED'], rows);
}

/** @param median milliseconds of one call; the least and the most likewise */
function row({ name, count, unit, bytes }: MicroCase, median: number, min: number, max: number): string[] {
  const rate = Math.round((count / median) * 1000);
  return [
    name,
    `${median.toFixed(2)} ms`,
    `${min.toFixed(2)}–${max.toFixed(2)} ms`,
    `${rate.toLocaleString('en')} ${unit}/s`,
    bytes === undefined ? '' : `${formatSize((bytes / median) * 1000)}/s`,
  ];
}
