/**
 * The program in one piece: bundled when it was built, together with what V8 made of it then, so that not every command has to parse and
 * compile it again. Without either it is loaded as it is.
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
/** Of the sha256 of a bundle and what was compiled of it; V8 itself looks at little more than their lengths. */
const HASH_BYTES = 32;

export async function loadProgram(): Promise<Main> {
  const script = fs.existsSync(BUNDLE) ? compileBundle() : undefined;
  return script === undefined ? (await import('./main.js')).main : runBundle(script);
}

/** What a bundle begins with: lmdb's JavaScript is part of it, but the native one that goes with it is the installed one's. */
export function headingOfBundle(): string {
  const manifest = join(dirname(require.resolve('lmdb')), '../package.json');
  const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string };
  return `// with lmdb ${version}`;
}

/**
 * From another version of V8, or of the bundle, a compiled one is of no use, and not used.
 * @returns nothing for a bundle that goes with another version of lmdb
 */
export function compileBundle(): Script | undefined {
  const bundle = fs.readFileSync(BUNDLE);
  // The bundler writes nothing but ASCII.
  const text = bundle.toString('latin1');
  if (!text.startsWith(`${headingOfBundle()}\n`)) return undefined;
  const compiled = readCompiled(bundle);
  const source = `(function (exports, require, module, __filename) {${text}\n})`;
  return new Script(source, { filename: BUNDLE, ...defined({ cachedData: compiled }) });
}

export function runBundle(script: Script): Main {
  const module = { exports: {} as { main: Main } };
  const body = script.runInThisContext() as (...scope: unknown[]) => void;
  body(module.exports, require, module, BUNDLE);
  return module.exports.main;
}

/** Keeps what V8 has made of a bundle: of functions that have been called, too. */
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
  return createHash('sha256').update(bundle).update(compiled).digest();
}
