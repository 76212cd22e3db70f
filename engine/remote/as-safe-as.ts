/** Addresses that a server gives of itself. */

/**
 * An address of a server that was spoken to by HTTPS, by HTTPS, too. One behind a proxy that speaks TLS for it may call
 * itself by plain HTTP, even with the port of the other.
 */
export function asSafeAs(spokenTo: URL, given: URL): URL {
  const isPlainer = spokenTo.protocol === 'https:' && given.protocol === 'http:';
  if (!isPlainer || given.hostname !== spokenTo.hostname) return given;
  const safe = new URL(given);
  safe.protocol = 'https:';
  return safe;
}
