/**
 * The results that the repository keeps in `bench/results.json`: of each scenario those of the last run that was kept.
 * A run's own `results.json` has the same form, and more in it. Pure.
 */
import { basename } from 'node:path';
import type { Machine } from '../machine/machine.js';
import { isBefore } from '../measure/against.js';
import type { Measure } from '../measure/contestant.js';
import { TARGETS } from '../measure/targets.js';

/** Figures that were once written down by hand may lack their range. */
export interface KeptSpread {
  median: number;
  min?: number;
  max?: number;
}

export interface KeptTiming {
  name: string;
  x?: number;
  wallMs?: KeptSpread;
  cpuMs?: KeptSpread;
  neededBytes?: KeptSpread;
  ratio?: number;
}

export interface KeptScenario {
  scenario: string;
  measure: Measure;
  axis?: { over: string; line: string };
  contestants: readonly KeptTiming[];
}

export interface KeptRun {
  /** ISO 8601; a day alone is that on which figures were written down by hand. */
  date: string;
  /** What must be known of this run to read its figures. */
  note?: string;
  machine: Partial<Machine>;
  /** `null` for the small corpus, of which nothing is kept. */
  corpus?: string | null;
  /** Timed runs of each contestant. */
  runs: number;
  scenarios: readonly KeptScenario[];
}

/**
 * Adds a run, whose scenarios take the place of older ones of the same names. Times of single runs are left out, and so
 * is another build that was measured beside this one, unless a target is about it.
 * @throws Error for results of the small corpus
 */
export function keep(kept: readonly KeptRun[], run: KeptRun): KeptRun[] {
  if (run.corpus === null)
    throw new Error('results of the small corpus say little and are not kept; --corpus takes one');
  const names = new Set(run.scenarios.map(({ scenario }) => scenario));
  const older = kept.map((each) => ({
    ...each,
    scenarios: each.scenarios.filter(({ scenario }) => !names.has(scenario)),
  }));
  return [...older.filter(({ scenarios }) => scenarios.length > 0), stripped(run)];
}

function stripped({ date, note, machine, corpus, runs, scenarios }: KeptRun): KeptRun {
  return {
    date,
    ...(note === undefined ? {} : { note }),
    machine,
    // Where it lay on that machine is nobody's concern.
    ...(typeof corpus === 'string' ? { corpus: basename(corpus) } : {}),
    runs,
    scenarios: scenarios.map(({ scenario, measure, axis, contestants }) => ({
      scenario,
      measure,
      ...(axis === undefined ? {} : { axis }),
      contestants: contestants.filter(({ name }) => !isBefore(name) || isWanted(scenario, name)).map(rounded),
    })),
  };
}

/** Whether a target is about another build. */
function isWanted(scenario: string, name: string): boolean {
  return TARGETS.some((target) => target.scenario === scenario && target.against === name);
}

function rounded({ name, x, wallMs, cpuMs, neededBytes, ratio }: KeptTiming): KeptTiming {
  return {
    name,
    ...(x === undefined ? {} : { x }),
    ...(wallMs === undefined ? {} : { wallMs: whole(wallMs) }),
    ...(cpuMs === undefined ? {} : { cpuMs: whole(cpuMs) }),
    ...(neededBytes === undefined ? {} : { neededBytes: whole(neededBytes) }),
    ...(ratio === undefined ? {} : { ratio: Math.round(ratio * 1000) / 1000 }),
  };
}

function whole({ median, min, max }: KeptSpread): KeptSpread {
  return {
    median: Math.round(median),
    ...(min === undefined ? {} : { min: Math.round(min) }),
    ...(max === undefined ? {} : { max: Math.round(max) }),
  };
}

const WIDTH = 120;

/** JSON in which what fits stands on one line, so that a contestant is a line. */
export function readableJson(value: unknown, indent = 0, before = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const line = onOneLine(value);
  const isList = Array.isArray(value) && value.some((each) => typeof each === 'object');
  if (!isList && indent + before + line.length < WIDTH && !line.includes('[{')) return line;
  const inner = indent + 2;
  const space = ' '.repeat(inner);
  const parts = Array.isArray(value)
    ? value.map((each) => space + readableJson(each, inner))
    : Object.entries(value).map(([key, each]) => {
        const name = `${JSON.stringify(key)}: `;
        return space + name + readableJson(each, inner, name.length);
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.join(',\n')}\n${' '.repeat(indent)}${close}`;
}

function onOneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  const parts = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${onOneLine(each)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
