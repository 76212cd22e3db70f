/** Makes every system call of every command that touches the store or the command's output fail, in every way. */
import type { Operation } from './operations.js';
import { type Call, type Fault, SYNCING, type TracedRun } from './strace.js';
import { type Assessment, acknowledges, type SweepOptions, type Swept, sweepFaults } from './sweep.js';

export type FailOptions = Pick<SweepOptions, 'perOperation' | 'only' | 'program' | 'enough'> & {
  operations: readonly Operation[];
};

/** Errors that calls may fail with, besides `EIO`. */
const FULL = ['ENOSPC', 'EDQUOT'];
const REFUSED = ['EROFS', 'EACCES'];
const ERRNOS: Readonly<Record<string, readonly string[]>> = {
  open: [...FULL, ...REFUSED, 'EMFILE'],
  openat: [...FULL, ...REFUSED, 'EMFILE'],
  mkdir: [...FULL, ...REFUSED],
  mknod: [...FULL, ...REFUSED],
  symlink: [...FULL, ...REFUSED],
  link: [...FULL, ...REFUSED],
  rename: [...FULL, ...REFUSED],
  renameat2: [...FULL, ...REFUSED],
  unlink: REFUSED,
  rmdir: REFUSED,
  write: FULL,
  writev: FULL,
  pwrite64: FULL,
  ftruncate: FULL,
  fsync: FULL,
  fdatasync: FULL,
};
/**
 * Calls that must not fail for good: Node's threads write to one another, modules are loaded when they are needed,
 * koffi syncs its output.
 */
const NEVER_LASTING = new Set(['write', 'openat', 'fsync']);

/** The write of LMDB's head, which goes through a descriptor that syncs by itself. */
const HEAD = /index\/data\.mdb>.*, 128, \d+\)/;

/** Each call fails once with `EIO`, once with one of its other errors, by turns, and once for good. */
export function sweepFailures(dir: string, options: FailOptions): Promise<Swept> {
  return sweepFaults(dir, { ...options, faults: failuresAt, assess: hasFailed });
}

/**
 * Each call that makes something durable fails once with `EIO`: nothing may be acknowledged then but what is durable
 * already, with a notice of what could not be cleared up.
 */
export function sweepSyncs(dir: string, options: FailOptions): Promise<Swept> {
  return sweepFaults(dir, { ...options, faults: syncsAt, assess: hasRefused });
}

function failuresAt(calls: readonly Call[]): Fault[] {
  const points = new Map<string, Fault>();
  let turn = 0;
  for (const { name: call, nth, changing } of calls) {
    const own = (ERRNOS[call] ?? []).filter((errno) => changing || errno === 'EMFILE' || errno === 'EACCES');
    const point = (effect: string, lasting = false): void => {
      points.set(`${call} ${nth} ${effect} ${lasting}`, { call, nth, effect, lasting });
    };
    point('EIO');
    const other = own[turn++ % Math.max(1, own.length)];
    if (other !== undefined) point(other);
    if (changing && !NEVER_LASTING.has(call)) point(own[turn % Math.max(1, own.length)] ?? 'EIO', true);
  }
  return [...points.values()];
}

function syncsAt(calls: readonly Call[], { only }: Operation): Fault[] {
  const points = new Map<string, Fault>();
  for (const { name: call, nth, text } of calls) {
    if (only === 'notes use' && text.includes('/index/')) continue;
    if (SYNCING.includes(call) || (call === 'pwrite64' && HEAD.test(text)))
      points.set(`${call} ${nth}`, { call, nth, effect: 'EIO' });
  }
  return [...points.values()];
}

function hasFailed(run: TracedRun, fault: Fault): Assessment {
  if (run.timedOut) return { counts: true, wrong: ['it hangs'] };
  if (run.hit === undefined) return { counts: false, wrong: [] };
  if (isUpstream(run)) return { counts: true, upstream: true, wrong: [] };
  return { counts: true, wrong: run.code === 0 || toldAsDamage(run) ? [] : badRefusal(run, fault) };
}

/** What compares the store with its index tells of a file that it cannot read. */
function toldAsDamage({ code, stdout }: TracedRun): boolean {
  return code === 4 && stdout.includes('"what":"cannot be read: ');
}

/** Signals that end a process with spoiled memory: the allocator, the processor or V8 notices. */
const CRASHES: ReadonlySet<NodeJS.Signals> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP']);

/**
 * Two defects of the lmdb package (3.5.6) end the process by a signal: one when a file cannot be opened that was opened
 * a moment before, one sometimes when a page cannot be written. The store is judged as after any other failure.
 */
function isUpstream({ code, signal, hit = '', stderr }: TracedRun): boolean {
  const crashed = signal === null ? code === 134 || code === 139 : CRASHES.has(signal);
  const opening = /\/index\/(?:data|lock)\.mdb[">]/.test(hit);
  return crashed && (opening || stderr.includes('Write error:'));
}

function hasRefused(run: TracedRun, fault: Fault): Assessment {
  const assessment = hasFailed(run, fault);
  const { counts, wrong } = assessment;
  const isTold = LEFT_BEHIND.test(run.stderr);
  if (counts && !isTold && (run.code === 0 || acknowledges(run))) wrong.push('acknowledged after a sync that failed');
  return assessment;
}

/** What could not be cleared up after the command's own commit. */
const LEFT_BEHIND = /^cairn: left behind: /m;

/** Lines that are no error's: empty ones, cairn's notices, and messages of LMDB's own. */
const NOTICE = /^(?:$|cairn: |Write error: |mdb_page_spill )/;

/** A refusal is exit code 1 and one JSON document with the code, the errno and the path. Notices may precede it. */
function badRefusal({ code, signal, stderr, hit }: TracedRun, fault: Fault): string[] {
  const wrong: string[] = [];
  if (code !== 1) wrong.push(`exit ${code ?? signal} instead of 1`);
  const lines = stderr.split('\n').filter((line) => !NOTICE.test(line));
  let error: { code?: string; errno?: string; path?: string; message?: string } = {};
  try {
    if (lines.length !== 1) throw new Error();
    error = (JSON.parse(lines[0] as string) as { error: typeof error }).error;
  } catch {
    return [...wrong, `not one JSON document on stderr: ${stderr}`];
  }
  const told = JSON.stringify(error);
  if (!/^ERR_[A-Z_]+$/.test(error.code ?? '')) wrong.push(`no code: ${told}`);
  if (error.errno !== fault.effect) wrong.push(`errno is not ${fault.effect}: ${told} after ${hit?.slice(0, 200)}`);
  if (error.path === undefined) wrong.push(`no path: ${told} after ${hit?.slice(0, 200)}`);
  return wrong;
}
