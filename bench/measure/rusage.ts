/** The processor time and the memory of child processes. Node tells only its own. */
import { createRequire } from 'node:module';
import { arch, endianness } from 'node:os';

export interface CpuTime {
  userMs: number;
  sysMs: number;
}

const RUSAGE_CHILDREN = -1;
/** The size of `struct rusage` on a 64-bit Linux. It begins with two `struct timeval`: user and system time. */
const RUSAGE_BYTES = 144;
/** Where the largest resident set follows, in KiB. */
const MAX_RSS = 32;

type Getrusage = (who: number, usage: Buffer) => number;

let getrusage: Getrusage | undefined;

function load(): Getrusage | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(arch()) || endianness() !== 'LE') return undefined;
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  return koffi.load(null).func('int getrusage(int who, void *usage)') as unknown as Getrusage;
}

const KIB = 1024;

/** The most memory that any one of them has had, in bytes. `undefined` where it cannot be known. */
export function peakOfEndedChildren(): number | undefined {
  const usage = usageOfChildren();
  return usage === undefined ? undefined : Number(usage.readBigInt64LE(MAX_RSS)) * KIB;
}

/** Of all children that have ended, and of those that they waited for. `undefined` where it cannot be known. */
export function endedChildren(): CpuTime | undefined {
  const usage = usageOfChildren();
  return usage === undefined ? undefined : { userMs: timeval(usage, 0), sysMs: timeval(usage, 16) };
}

function usageOfChildren(): Buffer | undefined {
  getrusage ??= load();
  const usage = Buffer.alloc(RUSAGE_BYTES);
  return getrusage === undefined || getrusage(RUSAGE_CHILDREN, usage) !== 0 ? undefined : usage;
}

function timeval(usage: Buffer, at: number): number {
  return Number(usage.readBigInt64LE(at)) * 1000 + Number(usage.readBigInt64LE(at + 8)) / 1000;
}
