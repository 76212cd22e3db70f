/**
 * What crosses between threads: tasks, and the memory they share. May import: core.
 *
 * `protocol.ts` lists every task with its answer. `control.ts` is how a task is told to stop, and counts.
 */
export {};
