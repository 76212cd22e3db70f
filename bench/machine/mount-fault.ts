/** Whether trees can be mounted where the bench works. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { tryMountIn } from '../../engine/session/modes.js';

/** @returns why they cannot; undefined if they can */
export function mountFault(dir: string): string | undefined {
  const scratch = fs.mkdtempSync(join(dir, 'mount-'));
  try {
    return tryMountIn(scratch).why;
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}
