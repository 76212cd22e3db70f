/** The results as tables for a terminal. */
import { table } from '../../cli/table.js';
import type { Machine } from '../machine/machine.js';
import type { Measured } from '../measure/measure.js';
import type { Verdict } from '../measure/verdict.js';
import { columns, describeMeasured, HEADINGS, machineRows, remarks, showTarget } from './format.js';
import { PAIR_HEADINGS, pairRows } from './pairs.js';

export function machineText(machine: Machine): string {
  return machineRows(machine)
    .map(([what, text]) => `${what.padEnd(12)} ${text}\n`)
    .join('');
}

export function scenarioText(measured: Measured): string {
  const headings = [...HEADINGS, ...(measured.bytes === undefined ? [] : ['speed'])].map((each) => each.toUpperCase());
  const rows = measured.contestants.map((each) => columns(each, measured));
  const pairs = table(
    PAIR_HEADINGS.map((each) => each.toUpperCase()),
    pairRows(measured),
  );
  return (
    `\n${measured.scenario}: ${describeMeasured(measured)}\n` +
    `${table(headings, rows)}${pairs}${remarks(measured)
      .map((line) => `${line}\n`)
      .join('')}`
  );
}

export function targetsText(targets: readonly Verdict[]): string {
  if (targets.length === 0) return '';
  const rows = targets.map((target) => {
    const { wanted, reached } = showTarget(target);
    return [target.scenario, target.of, target.against ?? '', wanted, reached, target.verdict];
  });
  return `\ntargets\n${table(['SCENARIO', 'CONTESTANT', 'AGAINST', 'WANTED', 'REACHED', 'VERDICT'], rows)}`;
}
