/** Fuzzes archives: examines each in memory and some on a store, and counts the outcomes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { aci } from '../fixtures/archive.js';
import { type Place, placeIn } from '../fixtures/hostile.js';
import { archiveArbitrary } from '../fixtures/tar-arbitrary.js';
import { type Structured, structuredArchive } from './archives.js';
import { examine, type Verdict } from './examine.js';
import { damage, mutate } from './mutate.js';
import { Random } from './random.js';
import { type Trial, tryOut } from './trial.js';
import { Watchdog } from './watchdog.js';

export interface FuzzOptions {
  count: number;
  seed: number;
  /** One of so many archives is tried on a store, whatever its plan. */
  trialEvery: number;
  onProgress?: (done: number) => void;
}

export interface FuzzReport {
  archives: number;
  accepted: number;
  refused: Record<string, number>;
  /** Archives that were tried on a store, and trees that were rendered of them. */
  tried: number;
  rendered: number;
}

/** The longest time for one archive or one batch of trials: far more than any takes on a busy machine. */
const HANG_MS = 120_000;
const MAX_RSS = 1.5 * 2 ** 30;
const BATCH = 256;
const TRIALS = 48;

/** @throws the first failure, which names a file with the archive that brought it about */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const home = process.cwd();
  const place = placeIn(fs.mkdtempSync(join(tmpdir(), 'cairn-fuzz-')));
  const watchdog = new Watchdog({ hangMs: HANG_MS, maxRss: MAX_RSS });
  try {
    // A file that is written to a relative path by mistake lands among canaries.
    process.chdir(place.outside);
    return await new Fuzzer(place, watchdog, options).run();
  } finally {
    process.chdir(home);
    await watchdog.stop();
    fs.rmSync(place.dir, { recursive: true, force: true });
  }
}

class Fuzzer {
  readonly #place: Place;
  readonly #watchdog: Watchdog;
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #report: FuzzReport = { archives: 0, accepted: 0, refused: {}, tried: 0, rendered: 0 };
  readonly #pool: Structured[];
  readonly #packed: Structured[];
  readonly #paths: string[];
  #fresh: Structured[] = [];
  #trials: Trial[] = [];

  constructor(place: Place, watchdog: Watchdog, options: FuzzOptions) {
    this.#place = place;
    this.#watchdog = watchdog;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#pool = basePool(place.outside, options.seed);
    this.#packed = packedPool(this.#pool);
    this.#paths = hostilePaths(place.outside);
  }

  async run(): Promise<FuzzReport> {
    const { count, trialEvery, onProgress } = this.#options;
    for (let i = 0; i < count; i++) {
      const { bytes: archive, format } = this.#next();
      this.#watchdog.watch(archive);
      const verdict = await this.#examine(archive, format);
      this.#count(verdict);
      if (i % trialEvery === 0 || (isInteresting(verdict) && this.#random.chance(2 / trialEvery))) {
        await this.#try(archive, format, verdict);
      }
      if (i % 1000 === 999) onProgress?.(i + 1);
    }
    await this.#tryAll();
    return this.#report;
  }

  #next(): Structured {
    const random = this.#random;
    if (random.chance(0.4)) {
      if (this.#fresh.length === 0) {
        this.#fresh = fc.sample(structuredArchive(this.#place.outside), {
          seed: random.below(2 ** 31),
          numRuns: BATCH,
        });
      }
      return this.#fresh.pop() as Structured;
    }
    if (this.#packed.length > 0 && random.chance(0.05)) {
      const { bytes, format } = random.pick(this.#packed);
      return { format, bytes: damage(bytes, random) };
    }
    const { bytes, format } = random.pick(this.#pool);
    const mutant = mutate(bytes, random, { paths: this.#paths });
    if (random.chance(0.92)) return { format, bytes: mutant };
    const packed = gzipSync(mutant, { level: 1 });
    return { format, bytes: random.chance(0.5) ? packed : damage(packed, random) };
  }

  async #examine(archive: Buffer, format: Structured['format']): Promise<Verdict> {
    try {
      return await examine(archive, format, this.#random);
    } catch (error) {
      throw failure(archive, format, error);
    }
  }

  #count(verdict: Verdict): void {
    this.#report.archives++;
    if ('plan' in verdict) this.#report.accepted++;
    else this.#report.refused[verdict.code] = (this.#report.refused[verdict.code] ?? 0) + 1;
  }

  async #try(archive: Buffer, format: Structured['format'], verdict: Verdict): Promise<void> {
    const made = 'plan' in verdict ? verdict : { plan: undefined, bytes: archive };
    this.#trials.push({ archive, format, plan: made.plan, bytes: made.bytes });
    if (this.#trials.length >= TRIALS) await this.#tryAll();
  }

  async #tryAll(): Promise<void> {
    const trials = this.#trials;
    this.#trials = [];
    if (trials.length === 0) return;
    this.#watchdog.watch(Buffer.alloc(0));
    try {
      const codes = await tryOut(this.#place, trials);
      this.#report.tried += trials.length;
      this.#report.rendered += codes.filter((code) => code === '').length;
    } catch (error) {
      for (const each of trials) {
        this.#watchdog.watch(each.archive);
        await tryOut(this.#place, [each]).catch((alone: unknown) => {
          throw failure(each.archive, each.format, alone);
        });
      }
      // No archive of the batch failed alone, so it takes several.
      throw failure(Buffer.concat(trials.map(({ archive }) => archive)), 'oci', error);
    }
  }
}

/** Whether an archive is worth a trial: its plan has links. */
function isInteresting(verdict: Verdict): boolean {
  return 'plan' in verdict && verdict.plan.entries.some(({ type, group }) => type === 'symlink' || group !== '');
}

function failure(archive: Buffer, format: string, cause: unknown): Error {
  const file = join(fs.mkdtempSync(join(tmpdir(), 'cairn-fuzz-failure-')), `archive.${format}`);
  fs.writeFileSync(file, archive);
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new Error(`the archive is ${file}: ${why}`, { cause });
}

/** Archives to mutate: structured ones, ones of every dialect, and a whole image. */
function basePool(outside: string, seed: number): Structured[] {
  const structured = fc.sample(structuredArchive(outside), { seed, numRuns: 60 });
  const dialects = fc.sample(archiveArbitrary({ raw: true, maxEntries: 8 }), { seed, numRuns: 20 });
  const whole = aci({ name: 'example.com/fuzz' }, [
    { name: 'd', flag: '5' },
    { name: 'd/a', content: 'x'.repeat(700) },
    { name: 'd/h', flag: '1', link: 'd/a' },
    { name: 's', flag: '2', link: outside },
    { name: 's2', flag: '2', link: 'd/../../..' },
    { name: 'p', pax: { path: `rootfs/${'p'.repeat(120)}`, 'SCHILY.xattr.user.a': 'b' } },
  ]);
  return [
    ...structured,
    ...dialects.map(({ bytes }): Structured => ({ bytes, format: 'oci' })),
    ...Array.from({ length: 10 }, (): Structured => ({ bytes: whole, format: 'aci' })),
  ];
}

/** Streams in compressions that cairn does not write, made by other programs; none if those are missing. */
function packedPool(pool: readonly Structured[]): Structured[] {
  return ['bzip2', 'xz', 'zstd'].flatMap((program) =>
    pool.slice(0, 6).flatMap(({ bytes }): Structured[] => {
      const { status, stdout } = spawnSync(program, ['-c', '-q'], { input: bytes });
      return status === 0 ? [{ bytes: stdout, format: 'aci' }] : [];
    }),
  );
}

function hostilePaths(outside: string): string[] {
  const below = [
    ...[
      'a',
      'b',
      'l',
      'm',
      'd',
      'a/b',
      'l/x',
      'm/x',
      'a/../b',
      'l/../../x',
      '.wh.a',
      'l/.wh.x',
      'a/.wh..wh..opq',
      'a/',
    ],
    ...['../x', '../../outside/secret', 'a/../../../x', outside, `${outside}/secret`, '/', '.', '', '..', '//x'],
    ...['x'.repeat(100), 'a\\b', '\xff', 'a\0b', '\x1b[2J'],
  ];
  return [...below, ...below.map((each) => `rootfs/${each}`), 'manifest', 'rootfs', 'rootfs/'];
}

export function summary({ archives, accepted, refused, tried, rendered }: FuzzReport): string {
  const codes = Object.entries(refused).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = codes.reduce((sum, [, count]) => sum + count, 0);
  assert.equal(accepted + total, archives);
  const byCode = codes.map(([code, count]) => `${code}: ${count}`).join(', ');
  return `fuzz: ${archives} archives, ${accepted} accepted, ${total} refused by code {${byCode}}, ${tried} tried on a store, ${rendered} trees, 0 escapes, 0 crashes, 0 hangs`;
}
