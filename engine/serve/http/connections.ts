/**
 * What one client may take of the server's time and memory. Bytes go out only as fast as they are taken, from
 * descriptors of their own, so a slow client costs a connection and a buffer, and holds up nobody.
 */
import type { ServerOptions } from 'node:http';

/** At a time. More wait in the system's queue. A slow one costs some hundred kilobytes. */
export const MOST_CONNECTIONS = 1024;
/** Listeners to events. Each looks at the journal five times a second. */
export const MOST_LISTENERS = 256;
/** Uploads at a time: each is written down before it is imported. */
export const MOST_UPLOADS = 8;
/** Bytes of a document in a request. */
export const LARGEST_DOCUMENT = 64 * 1024;
/** A document in a request must have come by then. */
export const DOCUMENT_MS = 30_000;
/** Bytes of an upload: as many as a layer may have, see limits. */
export const LARGEST_UPLOAD = 64 * 2 ** 30;
/** Bytes of a URL's part. Names have up to 4096 characters, and escapes take three for one. */
export const LONGEST_PARAMETER = 3 * 4096;
/** A connection on which nothing moves for so long, in either direction, ends. */
export const STALLED_MS = 120_000;
/** Requests that do not send bytes but are under way get so long when the server ends. */
export const GRACE_MS = 10_000;

export const HTTP: ServerOptions = {
  maxHeaderSize: 32 * 1024,
  headersTimeout: 15_000,
  // Uploads may take hours. What stalls ends by the time above.
  requestTimeout: 0,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  requireHostHeader: true,
  joinDuplicateHeaders: false,
  noDelay: true,
};
