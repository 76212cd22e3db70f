/**
 * One layer's bytes and rules: tar, table of contents, recipe. May import: core, workers/tasks.
 *
 * Which names an archive may have, and what they mean, is in `aci-rules.ts` and `oci-rules.ts`.
 */
export {};
