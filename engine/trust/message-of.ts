/** What the OpenPGP library says of a failure. */

/** The first line of an error's message, without a full stop: it goes on in ours. */
export function messageOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  return line.replace(/\.$/, '');
}
