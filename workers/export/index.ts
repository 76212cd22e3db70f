/**
 * Layers and trees to archives. May import: core, disk, erofs, layer, objects, plan, workers/tasks,
 * workers/compression, workers/pack.
 *
 * `export.ts` gives back archives as they came, and writes new ones.
 */
export {};
