/** The worker's side of {@link Control}: stops when the main thread has cancelled, and counts. */
import { aborted } from '../../engine/core/errors.js';
import type { Control } from './parts.js';

/** @throws CairnError `ERR_ABORTED` once the main thread has cancelled */
export function checkCancelled(control: Control): void {
  if (Atomics.load(control.cancel, 0) !== 0) throw aborted();
}

export function countBytes(control: Control, bytes: number): void {
  Atomics.add(control.done, 0, BigInt(bytes));
}

/** Counts bytes of sources, as they come. */
export function countRead(control: Control, bytes: number): void {
  Atomics.add(control.done, 2, BigInt(bytes));
}

export function countItems(control: Control, items: number): void {
  Atomics.add(control.done, 1, BigInt(items));
}
