/** The directories of a command under test. */

/** The store of a command, the sources that it reads (shared, never written to) and the directory for its output. */
export interface Place {
  dir: string;
  store: string;
  sources: string;
  out: string;
}
