/** Makes the answer to a task. */
import { isCairnError, toCairnError } from '../../engine/core/errors.js';
import type { Answer } from './protocol.js';

/** @throws what is no CairnError, and therefore a mistake of the program */
export async function answerOf<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (isCairnError(error)) return { error: error.toJSON() };
    throw error;
  }
}
