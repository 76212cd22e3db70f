/** One function under the loupe. */
export interface MicroCase {
  name: string;
  /** What one call goes through: so many of these. */
  count: number;
  unit: string;
  /** Bytes that one call goes through, where that says something. */
  bytes?: number;
  run(): void | Promise<void>;
}

export interface MicroGroup {
  name: string;
  cases: readonly MicroCase[];
  close?(): Promise<void>;
}
