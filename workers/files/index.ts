/**
 * One file on a disk: its metadata, its bytes, its copy, its end. May import: core, disk, objects, plan,
 * workers/tasks.
 *
 * Nothing here knows of images or layers.
 */
export {};
