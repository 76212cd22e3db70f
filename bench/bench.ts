/**
 * cairn beside its peers, in one run: `npm run bench -- [SCENARIO…] [--corpus DIR] [--dir DIR] [--runs N] [--json]`. Whole processes,
 * durable at return, results compared before times count. Best on a fresh file system: see `bench/disk.sh`.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatMs } from '../cli/units.js';
import { type Contestant, contest, isInstalled, type Result, sh } from './contest.js';
import { type Corpus, corpusAt, describeMachine, smallCorpus } from './corpus.js';

const PROGRAM = fileURLToPath(new URL('../cli/cairn.js', import.meta.url));

interface Ground {
  corpus: Corpus;
  /** An empty directory of the file system that is measured. */
  dir: string;
}

type Scenario = (ground: Ground) => Contestant[];

const cairn = ({ dir }: Ground, args: string): string =>
  `${process.execPath} ${PROGRAM} --store ${dir}/store ${args} >/dev/null`;

function fresh(path: string): () => void {
  return () => {
    fs.rmSync(path, { recursive: true, force: true });
    fs.mkdirSync(path);
    sh(`sync -f ${path}`);
  };
}

function importAll(ground: Ground): string {
  return cairn(ground, `import ${ground.corpus.images.join(' ')}`);
}

/** Everything is imported, the tree is absent. */
const warm: Scenario = (ground) => {
  const { dir, corpus } = ground;
  const peer = join(dir, 'peer');
  sh(importAll(ground));
  const withoutTree = (): void => {
    if (sh(`${process.execPath} ${PROGRAM} --store ${dir}/store tree ls`) !== '')
      sh(cairn(ground, `tree rm ${corpus.top}`));
    sh(`sync -f ${dir}`);
  };
  const tar = (program: string): Contestant => ({
    name: `${program} xf + sync`,
    prepare: fresh(peer),
    command: `${program} xf ${corpus.flat} -C ${peer} && sync -f ${peer}`,
  });
  return [
    { name: 'cairn render', prepare: withoutTree, command: cairn(ground, `render ${corpus.top}`) },
    tar('tar'),
    ...(isInstalled('bsdtar') ? [tar('bsdtar')] : []),
    {
      name: 'cp -al + sync',
      prepare: () => fs.rmSync(join(dir, 'linked'), { recursive: true, force: true }),
      command: `cp -al ${peer} ${dir}/linked && sync -f ${dir}`,
    },
  ];
};

/** Archives to durable tree. */
const cold: Scenario = (ground) => {
  const { dir, corpus } = ground;
  const peer = join(dir, 'peer');
  return [
    {
      name: 'cairn import + render',
      prepare: fresh(join(dir, 'store')),
      command: `${importAll(ground)} && ${cairn(ground, `render ${corpus.top}`)}`,
    },
    {
      name: 'tar xzf in order + sync',
      prepare: fresh(peer),
      command: `${corpus.layers.map((layer) => `tar xzf ${layer} -C ${peer}`).join(' && ')} && sync -f ${peer}`,
    },
  ];
};

/** Nothing is left to do. */
const again: Scenario = (ground) => {
  sh(`${importAll(ground)} && ${cairn(ground, `render ${ground.corpus.top}`)}`);
  return [
    { name: 'cairn render, again', prepare: () => {}, command: cairn(ground, `render ${ground.corpus.top}`) },
    { name: 'cairn --version', prepare: () => {}, command: `${process.execPath} ${PROGRAM} --version` },
    { name: 'node -e 0', prepare: () => {}, command: `${process.execPath} -e 0` },
  ];
};

/** What is there already, against what is new. */
const reimport: Scenario = (ground) => {
  const store = join(ground.dir, 'store');
  sh(importAll(ground));
  return [
    { name: 'cairn import, again', prepare: () => {}, command: importAll(ground) },
    { name: 'cairn import, first', prepare: fresh(store), command: importAll(ground) },
  ];
};

const SCENARIOS: Readonly<Record<string, Scenario>> = { warm, cold, again, reimport };

/** Both must be the same tree before anybody's time counts. */
function compareTrees(ground: Ground): void {
  const { corpus } = ground;
  const peer = join(ground.dir, 'compared');
  fresh(peer)();
  sh(`tar xf ${corpus.flat} -C ${peer}`);
  sh(`${importAll(ground)} && ${cairn(ground, `render ${corpus.top}`)}`);
  const tree = sh(`${process.execPath} ${PROGRAM} --store ${ground.dir}/store tree path ${corpus.top}`).trim();
  const list = (root: string): string =>
    sh(`cd ${root} && find . -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | LC_ALL=C sort`);
  if (list(tree) !== list(peer)) throw new Error('cairn and tar do not make the same tree; no times are given');
  fs.rmSync(peer, { recursive: true });
}

function print(scenario: string, results: readonly Result[]): void {
  process.stdout.write(`\n${scenario}\n`);
  for (const { name, median, min, max, ratio } of results) {
    const range = `${formatMs(Math.round(min))} – ${formatMs(Math.round(max))}`;
    process.stdout.write(
      `  ${name.padEnd(26)} ${formatMs(Math.round(median)).padStart(9)}  (${range})  ${ratio.toFixed(2)}×\n`,
    );
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      corpus: { type: 'string' },
      dir: { type: 'string' },
      runs: { type: 'string', default: '5' },
      json: { type: 'boolean' },
    },
  });
  const names = positionals.length === 0 ? Object.keys(SCENARIOS) : positionals;
  const unknown = names.find((name) => SCENARIOS[name] === undefined);
  if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(', ')}`);
  const dir = fs.mkdtempSync(join(values.dir ?? tmpdir(), 'cairn-bench-'));
  try {
    const built = join(dir, 'corpus');
    fs.mkdirSync(built);
    const corpus = values.corpus === undefined ? await smallCorpus(built) : corpusAt(values.corpus);
    const ground = { corpus, dir };
    const machine = describeMachine(dir);
    if (values.json !== true)
      for (const [name, value] of Object.entries(machine)) process.stdout.write(`${name.padEnd(12)} ${value}\n`);
    compareTrees(ground);
    const report: Record<string, Result[]> = {};
    for (const name of names) {
      fresh(join(dir, 'store'))();
      report[name] = contest((SCENARIOS[name] as Scenario)(ground), Number(values.runs));
      if (values.json !== true) print(name, report[name]);
    }
    if (values.json === true)
      process.stdout.write(`${JSON.stringify({ machine, runs: Number(values.runs), scenarios: report }, null, 2)}\n`);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

await main();
