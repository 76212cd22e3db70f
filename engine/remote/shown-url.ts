/** What of a URL may be shown and logged. */

/** A URL without what may be secret: its user, its password, its query and its fragment. */
export function shownUrl(url: string | URL): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return '(not a URL)';
  }
}
