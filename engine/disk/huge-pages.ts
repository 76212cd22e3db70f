/** Large pages for memory that is going to be used whole: on a virtual machine each page costs, when first touched. */
import { calls } from './native.js';

const MADV_HUGEPAGE = 14;

/** Asks for them. Where there are none, the memory is as good as before. */
export function preferHugePages(memory: SharedArrayBuffer): void {
  const advise = calls()?.find('int madvise(void *address, size_t length, int advice)');
  advise?.(Buffer.from(memory), memory.byteLength, MADV_HUGEPAGE);
}
