/**
 * The package lmdb, loaded the short way: its CommonJS build is one file. Loading its twenty modules takes 16 ms more,
 * which every command would pay.
 */
import { createRequire } from 'node:module';
import type { Environment, EnvironmentOptions } from './environment.js';

interface Lmdb {
  open(options: EnvironmentOptions): Environment;
  /** The work of a transaction returns this value to have its changes taken back. */
  ABORT: unknown;
  /** Marks bytes that are encoded already. */
  asBinary(encoded: Buffer): unknown;
}

export const { open: openEnvironment, ABORT, asBinary }: Lmdb = createRequire(import.meta.url)('lmdb');
