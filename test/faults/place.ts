/** Where a command is run: its working directory and its store. */

/** Where one command runs: its store, what it reads (shared, not written to) and where it writes. */
export interface Place {
  dir: string;
  store: string;
  sources: string;
  out: string;
}
