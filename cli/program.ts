/**
 * Loads the program from its bundle, together with the code that V8 compiled of it when it was built, so that not every
 * command parses and compiles it again. Without a bundle the modules are loaded.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { defined } from '../engine/core/defined.js';

export type Main = typeof import('./main.js').main;

const BUNDLE = fileURLToPath(new URL('./program.cjs', import.meta.url));
const require = createRequire(BUNDLE);
const COMPILED = `${BUNDLE}.compiled`;
/**
 * Bytes of the sha256 of a bundle, its compiled code and the version of Node that compiled it. V8 itself checks
 * little more than the lengths. It takes all of Node 20 for one version, and one of them crashes over the code that
 * another compiled.
 */
const HASH_BYTES = 32;

export async function loadProgram(): Promise<Main> {
  const script = fs.existsSync(BUNDLE) ? compileBundle() : undefined;
  return script === undefined ? (await import('./main.js')).main : runBundle(script);
}

/** What a bundle is wrapped in: a function, the beginning of which says what the bundle goes with. */
export const END_OF_BUNDLE = '})';

/** lmdb's JavaScript is part of the bundle and goes with one version of its native part. */
export function beginningOfBundle(): string {
  const manifest = join(dirname(require.resolve('lmdb')), '../package.json');
  const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string };
  return `(function (exports, require, module, __filename) { // with lmdb ${version}`;
}

/**
 * The bundle as a script. Code that was compiled of another bundle, or by another version of Node, is not used.
 * @returns undefined for a bundle that goes with another version of lmdb
 */
export function compileBundle(): Script | undefined {
  const bundle = fs.readFileSync(BUNDLE);
  // The bundler writes ASCII only.
  const text = bundle.toString('latin1');
  if (!text.startsWith(`${beginningOfBundle()}\n`)) return undefined;
  const compiled = readCompiled(bundle);
  return new Script(text, { filename: BUNDLE, ...defined({ cachedData: compiled }) });
}

export function runBundle(script: Script): Main {
  const module = { exports: {} as { main: Main } };
  const body = script.runInThisContext() as (...scope: unknown[]) => void;
  body(module.exports, require, module, BUNDLE);
  return module.exports.main;
}

/** Keeps the code that V8 has compiled of a bundle, that of called functions included. */
export function keepCompiled(script: Script): void {
  const compiled = script.createCachedData();
  fs.writeFileSync(COMPILED, Buffer.concat([hashOf(fs.readFileSync(BUNDLE), compiled), compiled]));
}

function readCompiled(bundle: Buffer): Buffer | undefined {
  try {
    const bytes = fs.readFileSync(COMPILED);
    const compiled = bytes.subarray(HASH_BYTES);
    return bytes.subarray(0, HASH_BYTES).equals(hashOf(bundle, compiled)) ? compiled : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(bundle: Buffer, compiled: Buffer): Buffer {
  const by = `${process.version} ${process.arch}`;
  return createHash('sha256').update(by).update(bundle).update(compiled).digest();
}
