/** The engine's side of what it shares with workers while they work: cancelling, and how far they are. */
import type { Control } from '../../workers/tasks/parts.js';

/**
 * Shares cancelling and counting with workers while `work` runs: the signal reaches them within one chunk of work, and `onCount`
 * hears every 100 ms how far they are.
 */
import { throwIfAborted } from '../core/errors.js';
export async function withControl<T>(
  signal: AbortSignal | undefined,
  onCount: ((bytes: number, items: number) => void) | undefined,
  work: (control: Control) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const control: Control = {
    cancel: new Int32Array(new SharedArrayBuffer(4)),
    done: new BigInt64Array(new SharedArrayBuffer(16)),
  };
  const cancel = (): void => {
    Atomics.store(control.cancel, 0, 1);
  };
  const count = (): void => onCount?.(Number(Atomics.load(control.done, 0)), Number(Atomics.load(control.done, 1)));
  signal?.addEventListener('abort', cancel, { once: true });
  const timer = onCount === undefined ? undefined : setInterval(count, 100);
  try {
    return await work(control);
  } catch (error) {
    // One part of the work failed: the others must not go on for nobody.
    cancel();
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', cancel);
    count();
  }
}
