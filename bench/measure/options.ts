/** The command line of the benchmarks. */
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { ObjectLayout } from '../../engine/session/format.js';
import { LIMITS, SCENARIOS } from '../scenarios/all.js';
import { LAYOUTS } from './layouts.js';

export interface Options {
  /** Names of scenarios; none where only the micro-benchmarks are to run. */
  names: readonly string[];
  micro: boolean;
  corpus: string | undefined;
  dir: string;
  /** The layouts that stores are measured in. */
  layouts: readonly ObjectLayout[];
  out: string | undefined;
  /** A checkout whose build is measured beside this one. */
  against: string | undefined;
  runs: number;
  /** Objects of the store that `gc-many` collects from; undefined for as many as go with the corpus. */
  objects: number | undefined;
  json: boolean;
}

const MICRO = 'micro';

/** Breaks the list of names into lines that fit a terminal. */
function listed(scenarios: typeof SCENARIOS): string {
  return Object.keys(scenarios)
    .join(', ')
    .replaceAll(/(.{60,80}?,) /g, '$1\n               ');
}

export const USAGE = `usage: npm run --silent bench -- [SCENARIO…] [--limits] [--corpus DIR] [--dir DIR] [--runs N]
                                  [--layout packs|loose|both] [--objects N] [--against DIR] [--out DIR] [--json]

SCENARIO       ${listed(SCENARIOS)} (default: all of these);
               ${listed(LIMITS)} (only when named, or by --limits);
               ${MICRO}: single functions in this process
--limits       run all limit scenarios, too: what the stages of the work take alone
--corpus DIR   rootfs/ and debs/, as bench/inputs/corpus.ts says
               (default: a small one from node_modules, and small sizes)
--dir DIR      where stores and trees are made, best a fresh file system (default: the system's temporary directory)
--layout NAME  how stores keep the contents of files: packs, loose, or both beside each other (default: both)
--runs N       timed runs of each contestant (default: 5)
--against DIR  run each program of cairn's in another build, too, as "cairn … (before)", and tell the ratio;
               DIR is a checkout of another commit in which \`npm run build\` has run
--objects N    objects of the store that gc-many collects from (default: 2000000, without a corpus 2000)
--out DIR      write results.json and report.html there
--json         print JSON instead of tables; progress goes to stderr in any case
`;

export class UsageError extends Error {}

/** @returns `undefined` where help is asked for @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parsed(args);
  if (values.help === true) return undefined;
  const unknown = positionals.filter(
    (name) => name !== MICRO && ![SCENARIOS, LIMITS].some((all) => Object.hasOwn(all, name)),
  );
  if (unknown.length > 0) throw new UsageError(`no scenario ${unknown.join(', ')}`);
  const layouts = LAYOUTS.filter((layout) => values.layout === 'both' || values.layout === layout);
  if (layouts.length === 0) throw new UsageError('--layout wants packs, loose or both');
  if (values.objects !== undefined && !/^[1-9][0-9]{2,7}$/.test(values.objects))
    throw new UsageError('--objects wants a whole number from 100');
  if (!/^[1-9][0-9]{0,3}$/.test(values.runs)) throw new UsageError('--runs wants a whole number above zero');
  const named = positionals.length === 0 ? Object.keys(SCENARIOS) : positionals.filter((name) => name !== MICRO);
  return {
    names: [...new Set([...named, ...(values.limits ? Object.keys(LIMITS) : [])])],
    micro: positionals.includes(MICRO),
    corpus: values.corpus,
    dir: values.dir,
    layouts,
    out: values.out,
    against: values.against,
    runs: Number(values.runs),
    objects: values.objects === undefined ? undefined : Number(values.objects),
    json: values.json,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        corpus: { type: 'string' },
        dir: { type: 'string', default: tmpdir() },
        layout: { type: 'string', default: 'both' },
        out: { type: 'string' },
        against: { type: 'string' },
        runs: { type: 'string', default: '5' },
        objects: { type: 'string' },
        json: { type: 'boolean', default: false },
        limits: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
