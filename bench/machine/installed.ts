/** Which of the programs and packages that peers need are on this machine. */
import * as fs from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contestant, Peer, Skipped } from '../measure/contestant.js';

export interface Peers {
  contestants: Contestant[];
  skipped: Skipped[];
}

/** Sorts peers into those that can take part and those that lack something, with what they lack. */
export function installed(peers: readonly Peer[], has = isInstalled, version = packageVersion): Peers {
  const all: Peers = { contestants: [], skipped: [] };
  for (const { contestant, programs = [], packages = [], unfit } of peers) {
    const missing = [
      ...programs.filter((program) => !has(program)),
      ...packages.filter((name) => version(name) === undefined).map((name) => `npm package ${name}`),
    ];
    const why = missing.length > 0 ? `${missing.join(', ')} not installed` : unfit;
    if (why === undefined) all.contestants.push(contestant);
    else all.skipped.push({ name: contestant.name, why });
  }
  return all;
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((dir) => {
    try {
      fs.accessSync(join(dir, program), fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @returns the version of a package that is installed beside this one; `undefined` where it is not installed */
export function packageVersion(name: string): string | undefined {
  const file = fileURLToPath(new URL(`../../../node_modules/${name}/package.json`, import.meta.url));
  try {
    return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return undefined;
  }
}
