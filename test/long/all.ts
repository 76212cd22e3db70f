/** Runs every long test, one after the other, and prints their summaries at the end. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';

const OWN = basename(import.meta.filename);
/** Those that run on stores with packs as well. */
const ON_PACKS = new Set(['bit-rot', 'fail', 'kill', 'power-cut', 'race']);

const lines: string[] = [];
let failed = 0;
for (const file of fs.readdirSync(import.meta.dirname).sort()) {
  if (!file.endsWith('.js') || file === OWN) continue;
  run(file, []);
  if (ON_PACKS.has(basename(file, '.js'))) run(file, ['--layout', 'packs']);
}

function run(file: string, args: string[]): void {
  const name = [basename(file, '.js'), ...args].join(' ');
  const begun = Date.now();
  process.stderr.write(`== ${name}\n`);
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) failed++;
  const said = stdout.trim() === '' ? `${name}: said nothing` : stdout.trim();
  lines.push(...said.split('\n').map((line) => `${status === 0 ? 'ok    ' : 'FAILED'} ${line}`));
  process.stderr.write(`${said}\n${Math.round((Date.now() - begun) / 1000)} s\n`);
}
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = failed > 0 ? 1 : 0;
