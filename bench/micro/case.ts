/** The types of the micro-benchmarks: a case is one function, a group is several of one kind. */

export interface MicroCase {
  name: string;
  /** How many units one call processes. */
  count: number;
  unit: string;
  /** The bytes that one call processes, where a speed says something. */
  bytes?: number;
  run(): void | Promise<void>;
}

export interface MicroGroup {
  name: string;
  cases: readonly MicroCase[];
  close?(): Promise<void>;
}
