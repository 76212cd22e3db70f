/** How large the inputs are that are made for a scenario. */

export interface Sizes {
  /** Files of the layer that holds nothing but small ones. */
  smallFiles: number;
  /** Bytes of the layer that holds five large ones. */
  largeBytes: number;
  /** Images of one file each. */
  tinyImages: number;
  /** Paths of a tree that is mounted in a process that runs already. */
  mountedPaths: number;
  /** Objects of a store of which a tenth is collected. */
  objects: number;
  /** Objects that are collected, each of which lies between two that stay. */
  holes: number;
  /** Files of a layer, along the axis. */
  filesAxis: readonly number[];
  /** Images that lie in a store beside those that are used, along the axis. */
  storeAxis: readonly number[];
  /** Images of a store that is only asked. */
  indexAxis: readonly number[];
}

export const FULL: Sizes = {
  smallFiles: 50_000,
  largeBytes: 500_000_000,
  tinyImages: 2000,
  mountedPaths: 40_000,
  objects: 2_000_000,
  holes: 10_000,
  filesAxis: [1000, 5000, 20_000, 50_000],
  storeAxis: [0, 200, 1000, 2000],
  indexAxis: [100, 1000, 10_000],
};

/** Beside a corpus that is small itself: everything runs, in seconds. */
export const SMALL: Sizes = {
  smallFiles: 400,
  largeBytes: 4_000_000,
  tinyImages: 20,
  mountedPaths: 400,
  objects: 2000,
  holes: 50,
  filesAxis: [100, 400],
  storeAxis: [0, 10],
  indexAxis: [10, 50],
};
