/** The keys that count for a name: those of the keystore, and if the user wants so, those that its site offers. */
import { MAX_KEY_FILE } from '../../core/limits.js';
import { discover } from '../../remote/discovery.js';
import { shownUrl } from '../../remote/shown-url.js';
import { readKeys, type TrustedKeys, trustDirectories, trustedKeys } from '../../trust/index.js';
import type { Fetching } from '../fetching.js';

/** As {@link keysFor}, looking once for each name. */
export function keysForNames(
  fetching: Pick<Fetching, 'clients' | 'insecure'>,
  signal: AbortSignal | undefined,
): (name: string) => Promise<TrustedKeys> {
  const known = new Map<string, Promise<TrustedKeys>>();
  return (name) => {
    const keys = known.get(name) ?? keysFor(fetching, name, signal);
    known.set(name, keys);
    return keys;
  };
}

/**
 * With `--insecure-options pubkey`, what a site offers counts for this fetch, whatever way it came, and is not kept. A
 * key that is masked does not.
 * @throws CairnError `ERR_CONFIG`, and with that option as a request does
 */
async function keysFor(
  { clients, insecure }: Pick<Fetching, 'clients' | 'insecure'>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<TrustedKeys> {
  const trusted = await trustedKeys(trustDirectories(), name);
  if (!insecure.includes('pubkey')) return trusted;
  const { http } = clients.of(true);
  const { keys: urls } = await discover(http, { name, labels: [] }, { plainHttp: true, wanted: 'keys', signal });
  const offered: TrustedKeys['keys'][number][] = [];
  for (const url of urls) {
    const response = await http.request({ url, signal });
    const file = shownUrl(url);
    for (const key of await readKeys(await response.bytes(MAX_KEY_FILE), file))
      offered.push({ key, file, prefix: name });
  }
  const isMasked = (fingerprint: string): boolean => trusted.masked.some((each) => each.fingerprint === fingerprint);
  const counting = offered.filter(({ key }) => !isMasked(key.getFingerprint()));
  return { ...trusted, keys: [...trusted.keys, ...counting] };
}
