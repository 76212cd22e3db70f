/**
 * cairn against what people use instead, as whole processes on one machine in one run. Numbers are only worth comparing
 * within a run, and best taken on a fresh file system: `bench/disk.sh` makes one.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildCorpus, openCorpus } from './corpus.js';
import { describeMachine } from './machine.js';
import { type Measured, measure } from './measure.js';
import { stopRunning } from './process.js';
import { machineText, scenarioText } from './report.js';
import { SCENARIOS } from './scenarios.js';
import { withScratch } from './scratch.js';

const USAGE = `usage: npm run --silent bench -- [SCENARIO…] [--corpus DIR] [--dir DIR] [--runs N] [--json]

SCENARIO       ${Object.keys(SCENARIOS).join(', ')} (default: all)
--corpus DIR   flat.tar, layers/layerN.tar.gz and aci/gz/layerN.aci, N = 1…4 (default: a small one from node_modules)
--dir DIR      where stores and trees are made, best a fresh file system (default: the system's temporary directory)
--runs N       timed runs of each contestant (default: 5)
--json         print JSON; progress goes to stderr in any case
`;

class UsageError extends Error {}

function parse() {
  const { values, positionals } = parsed();
  if (values.help === true) return undefined;
  const unknown = positionals.filter((name) => !Object.hasOwn(SCENARIOS, name));
  if (unknown.length > 0) throw new UsageError(`no scenario ${unknown.join(', ')}`);
  if (!/^[1-9][0-9]{0,3}$/.test(values.runs)) throw new UsageError('--runs wants a whole number above zero');
  return {
    ...values,
    runs: Number(values.runs),
    names: positionals.length === 0 ? Object.keys(SCENARIOS) : positionals,
  };
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        corpus: { type: 'string' },
        dir: { type: 'string', default: tmpdir() },
        runs: { type: 'string', default: '5' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function bench(scratch: string, { corpus: given, runs, json, names }: NonNullable<ReturnType<typeof parse>>) {
  if (given === undefined) say('packing a small corpus from node_modules; --corpus takes a larger one');
  const corpus = given === undefined ? await buildCorpus(join(scratch, 'corpus')) : openCorpus(given);
  const machine = await describeMachine(scratch);
  if (!json) process.stdout.write(machineText(machine));
  const scenarios: Measured[] = [];
  for (const name of names) {
    const make = SCENARIOS[name] as (typeof SCENARIOS)[string];
    const measured = await measure(make(corpus, scratch), runs, scratch, say);
    scenarios.push(measured);
    if (!json) process.stdout.write(scenarioText(measured));
  }
  if (json)
    process.stdout.write(`${JSON.stringify({ machine, corpus: given ?? null, runs, scenarios }, undefined, 2)}\n`);
}

try {
  const options = parse();
  if (options === undefined) process.stdout.write(USAGE);
  else await withScratch(options.dir, 'cairn-bench-', (scratch) => bench(scratch, options), stopRunning);
} catch (error) {
  if (error instanceof UsageError) say(`${error.message}\n\n${USAGE}`);
  else say(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
