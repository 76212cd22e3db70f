/** This machine itself, as the names and addresses of URLs have it. */

/** The unspecified addresses lead here, too, and so do mapped ones (RFC 4291 §2.5.5.2), which URLs have in hex. */
const LOOPBACK =
  /^(?:localhost\.?|.+\.localhost\.?|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:(?:7f[0-9a-f]{2}:[0-9a-f]{1,4}|0:0)\])$/;

/** Whether a host is this machine by its name alone. @param hostname as in a URL, without port */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname.toLowerCase());
}
