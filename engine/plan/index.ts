/**
 * From layers to the rows of a tree. May import: core, layer, workers/tasks.
 *
 * Layers of an ACI are merged by `aci.ts`, those of an OCI image by `oci.ts`. `packed-plan.ts` cuts the result for
 * the workers.
 */
export {};
