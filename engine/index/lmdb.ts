/**
 * The package lmdb, loaded the short way: its CommonJS build is one file. As twenty modules it takes 16 ms more, which every
 * command would pay.
 */
import { createRequire } from 'node:module';
import type { Environment, EnvironmentOptions } from './environment.js';

interface Lmdb {
  open(options: EnvironmentOptions): Environment;
  /** What the work of a transaction returns to be taken back. */
  ABORT: unknown;
  /** Marks bytes that are encoded already. */
  asBinary(encoded: Buffer): unknown;
}

export const { open: openEnvironment, ABORT, asBinary }: Lmdb = createRequire(import.meta.url)('lmdb');
