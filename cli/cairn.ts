#!/usr/bin/env node
/** The program. The version is answered before anything else is loaded, since scripts ask for it a lot. */
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
  // Whoever interrupted does not wait for somebody to read what stderr still holds.
  if (code === INTERRUPTED) process.exit();
}

function isVersionAsked(): boolean {
  return process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V');
}

/** Where it cannot be told, the whole program finds out why. */
function isVersionTold(): boolean {
  try {
    writeSync(1, `${version}\n`);
    return true;
  } catch {
    return false;
  }
}
