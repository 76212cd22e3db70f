/**
 * `keep [RESULTS.json…]` puts the results of runs into `bench/results.json`, scenario by scenario, and makes the tables
 * of `docs/performance.md` from it. Without results it only makes the tables.
 */
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type KeptRun, keep, readableJson } from './kept.js';
import { withTables } from './markdown.js';

const KEPT = fileURLToPath(new URL('../../../bench/results.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));

function read<T>(file: string): T {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
}

const kept = process.argv.slice(2).reduce((all, file) => keep(all, read<KeptRun>(file)), read<KeptRun[]>(KEPT));
const page = withTables(fs.readFileSync(PAGE, 'utf8'), kept);
fs.writeFileSync(KEPT, `${readableJson(kept)}\n`);
fs.writeFileSync(PAGE, page);
