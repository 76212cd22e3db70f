/** The package lmdb, loaded the short way: its CommonJS build is one file; as twenty modules it takes 16 ms more, which every command would pay. */
import { createRequire } from 'node:module';

export const {
  open: openEnvironment,
  ABORT,
  asBinary,
} = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
