/**
 * Compressed streams, in and out. May import: core, workers/tasks.
 *
 * `decompress.ts` tells a compression from the first bytes and picks the decoder.
 */
export {};
