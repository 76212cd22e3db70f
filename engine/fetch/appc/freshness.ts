/** How long an answer is fresh by its `Cache-Control` (RFC 9111 §5.2.2). Pure. */

/** @returns milliseconds for which the server need not be asked again; `undefined` if it does not say */
export function freshFor(cacheControl: string | undefined): number | undefined {
  if (cacheControl === undefined) return undefined;
  const directives = cacheControl
    .toLowerCase()
    .split(',')
    .map((each) => each.trim());
  if (directives.some((each) => /^no-(?:store|cache)\b/.test(each))) return 0;
  for (const directive of directives) {
    const [, seconds] = /^max-age="?(\d{1,10})"?$/.exec(directive) ?? [];
    if (seconds !== undefined) return Number(seconds) * 1000;
  }
  return undefined;
}
