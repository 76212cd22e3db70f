/** The results, for people. */
import { table } from '../cli/table.js';
import { formatMs, formatSize } from '../cli/units.js';
import type { Machine } from './machine.js';
import type { Measured, Timing } from './measure.js';

export function machineText(machine: Machine): string {
  const { processor, cores, memoryBytes, kernel, fileSystem, versions } = machine;
  const rows = [
    ['machine', `${processor}, ${cores} cores, ${formatSize(memoryBytes)}`],
    ['kernel', kernel],
    ['file system', fileSystem],
    ...Object.entries(versions),
  ];
  return `${rows.map(([what = '', text]) => `${what.padEnd(12)} ${text}\n`).join('')}`;
}

export function scenarioText({ scenario, what, census, contestants, skipped }: Measured): string {
  const size = census === undefined ? '' : ` (${census.entries} entries, ${formatSize(census.bytes)})`;
  const runs = contestants[0]?.timesMs.length;
  const missing = skipped.map(({ name, why }) => `skipped: ${name}: ${why}\n`).join('');
  return (
    `\n${scenario}: ${what}${size}; ${runs} runs each\n` +
    `${table(['CONTESTANT', 'MEDIAN', 'MIN–MAX', 'RATIO'], contestants.map(row))}${missing}`
  );
}

function row({ name, medianMs, minMs, maxMs, ratio }: Timing): string[] {
  return [name, ms(medianMs), `${ms(minMs)}–${ms(maxMs)}`, `${ratio.toFixed(2)}×`];
}

function ms(value: number): string {
  return formatMs(Math.round(value));
}
