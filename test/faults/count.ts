/** Counts the commits of several processes that open and close the index all the time: none may be lost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { faultOfPages } from '../../engine/index/check-pages.js';
import { Index } from '../../engine/index/open.js';
import { environment } from './strace.js';

/** The report of one process. */
export interface Digest {
  acknowledged: number;
  wrong: string[];
}

export interface Counted {
  acknowledged: number;
  wrong: string[];
}

/** @param build the build that the processes run @param path an empty directory for the index */
export async function countCommits(build: string, path: string, processes: number, seconds: number): Promise<Counted> {
  await Index.open(path, false).close();
  const digests = await Promise.all(Array.from({ length: processes }, () => run(build, path, seconds)));
  const acknowledged = digests.reduce((sum, digest) => sum + digest.acknowledged, 0);
  const wrong = digests.flatMap((digest) => digest.wrong);
  const pages = faultOfPages(join(path, 'data.mdb'), true);
  if (pages !== undefined) wrong.push(pages);
  const index = Index.open(path, false);
  try {
    const counted = (index.meta.get('number') as number | undefined) ?? 0;
    if (counted !== acknowledged) wrong.push(`${acknowledged} commits were acknowledged, ${counted} are there`);
  } finally {
    await index.close();
  }
  return { acknowledged, wrong };
}

async function run(build: string, path: string, seconds: number): Promise<Digest> {
  const child = spawn(process.execPath, [join(build, 'test', 'faults', 'counter.js'), path, `${seconds}`], {
    // LMDB writes to standard error of its own accord; findings come on standard output.
    stdio: ['ignore', 'pipe', 'ignore'],
    env: environment({}),
  });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  const [code, signal] = await once(child, 'close');
  if (code === 0) return JSON.parse(Buffer.concat(out).toString());
  return { acknowledged: 0, wrong: [`a process ended with ${code ?? signal}`] };
}
