/**
 * Layers and trees to archives. May import: core, disk, erofs, layer, objects, plan, workers/tasks,
 * workers/compression.
 *
 * `export.ts` gives back archives as they came, `pack-tree.ts` makes new ones.
 */
export {};
