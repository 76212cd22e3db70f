/**
 * The benchmarks: cairn against the programs that people use instead, as whole processes, on one machine, in one run.
 * Times of different runs cannot be compared. `bench/machine/disk.sh` makes a fresh file system to run on.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { defined } from '../engine/core/defined.js';
import { buildCorpus, openCorpus } from './inputs/corpus.js';
import type { Ground } from './inputs/ground.js';
import { withScratch } from './inputs/scratch.js';
import { FULL, SMALL } from './inputs/sizes.js';
import { describeMachine } from './machine/machine.js';
import { besideEachOther, buildIn } from './measure/against.js';
import { type Build, THIS_BUILD } from './measure/cairn.js';
import type { Scenario } from './measure/contestant.js';
import { type Measured, measure } from './measure/measure.js';
import { type Options, parseOptions, USAGE, UsageError } from './measure/options.js';
import { stopRunning } from './measure/process.js';
import type { Results } from './measure/results.js';
import { TARGETS } from './measure/targets.js';
import { judge } from './measure/verdict.js';
import { runMicro } from './micro/run.js';
import { reportHtml } from './report/html.js';
import { machineText, scenarioText, targetsText } from './report/text.js';
import { scenariosOf } from './scenarios/all.js';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function prepareGround(dir: string, { corpus: given, objects }: Options): Promise<Ground> {
  const sizes = { ...(given === undefined ? SMALL : FULL), ...defined({ objects }) };
  if (given !== undefined) return { corpus: await openCorpus(given, dir), sizes, dir, build: THIS_BUILD };
  say('packing a small corpus from node_modules; --corpus takes a larger one');
  return { corpus: await buildCorpus(join(dir, 'corpus')), sizes, dir, build: THIS_BUILD };
}

function scenariosFor({ names, layouts }: Options, ground: Ground, build: Build | undefined): Scenario[] {
  const other = build === undefined ? undefined : { ...ground, build };
  return names.flatMap((name) => {
    const theirs = other === undefined ? [] : scenariosOf(name, other, layouts);
    return scenariosOf(name, ground, layouts).map((scenario, i) => besideEachOther(scenario, theirs[i]));
  });
}

async function bench(dir: string, options: Options): Promise<void> {
  const { corpus, runs, json, out, against } = options;
  const print = (text: string) => json || process.stdout.write(text);
  const before = against === undefined ? undefined : buildIn(against);
  const ground = await prepareGround(dir, options);
  const machine = await describeMachine(dir);
  print(machineText(machine));
  const scenarios: Measured[] = [];
  for (const scenario of scenariosFor(options, ground, before)) {
    if (scenario.unfit !== undefined) {
      say(`${scenario.name}: left out: ${scenario.unfit}`);
      continue;
    }
    const measured = await measure(scenario, runs, dir, say);
    await scenario.close?.();
    scenarios.push(measured);
    print(scenarioText(measured));
  }
  const targets = judge(scenarios, TARGETS);
  print(targetsText(targets));
  const date = new Date().toISOString();
  const other = against === undefined ? {} : { against };
  const results: Results = { date, machine, corpus: corpus ?? null, ...other, runs, scenarios, targets };
  if (json) process.stdout.write(jsonOf(results));
  if (out !== undefined) write(out, results);
}

function write(out: string, results: Results): void {
  fs.mkdirSync(out, { recursive: true });
  fs.writeFileSync(join(out, 'results.json'), jsonOf(results));
  fs.writeFileSync(join(out, 'report.html'), reportHtml(results));
}

function jsonOf(results: Results): string {
  return `${JSON.stringify(results, undefined, 2)}\n`;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else if (options.micro) await withScratch(options.dir, 'cairn-micro-', (scratch) => runMicro(scratch, say));
  if (options !== undefined && options.names.length > 0)
    await withScratch(options.dir, 'cairn-bench-', (scratch) => bench(scratch, options), stopRunning);
} catch (error) {
  if (error instanceof UsageError) say(`${error.message}\n\n${USAGE}`);
  else say(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
