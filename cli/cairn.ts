#!/usr/bin/env node
/** The program's entry point. It answers `--version` before it loads anything, since scripts ask for that a lot. */
import { readFileSync, writeSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const INTERRUPTED = 130;

if (!(isVersionAsked() && isVersionTold())) void run();

async function run(): Promise<void> {
  const { loadProgram } = await import('./program.js');
  const main = await loadProgram();
  const code = await main(process.argv.slice(2), version);
  process.exitCode = code;
  // Somebody who interrupts does not wait until stderr's reader has taken the rest.
  if (code === INTERRUPTED) process.exit();
}

function isVersionAsked(): boolean {
  return process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V');
}

/** Prints the version. @returns false if that fails; then the whole program finds out why */
function isVersionTold(): boolean {
  try {
    writeSync(1, `${version}\n`);
    return true;
  } catch {
    return false;
  }
}
