/** What appc discovery finds for a name, without fetching any of it. */
import { defined } from '../core/defined.js';
import { tellLeftOut } from '../core/finding.js';
import { parseAppString } from '../image/aci/names.js';
import type { Label } from '../image/label.js';
import { Credentials } from '../remote/credentials/credentials.js';
import { discover } from '../remote/discovery.js';
import { withHostLabels } from '../remote/host-labels.js';
import { Clients } from './clients.js';
import type { Insecure } from './options.js';

export interface DiscoverOptions {
  signal?: AbortSignal;
  /** Checks that are left out. */
  insecure?: readonly Insecure[];
  /** Hears of what should be put right, and of what is left out. */
  onNotice?: (message: string) => void;
}

export interface DiscoveredName {
  name: string;
  /** As they were asked for: those of this machine, where none were given. */
  labels: Label[];
  /** URLs of the image, in the order in which they would be tried. */
  aci: string[];
  /** URLs of the signatures, one for each of `aci`. */
  asc: string[];
  /** URLs of keys. */
  keys: string[];
  /** The beginning of names for which the page speaks. */
  prefix: string;
}

/**
 * @param text `NAME[:VERSION][,LABEL=VALUE]…`
 * @throws CairnError `ERR_NAME_SYNTAX`, `ERR_NOT_FOUND`, `ERR_TLS`, `ERR_NETWORK`, `ERR_CONFIG`
 */
export async function discoverName(text: string, options: DiscoverOptions = {}): Promise<DiscoveredName> {
  const { signal, insecure = [], onNotice } = options;
  const { name, labels: given } = parseAppString(text);
  const labels = withHostLabels(given);
  tellLeftOut(insecure, onNotice ?? (() => {}));
  const clients = new Clients(insecure, new Credentials({ onWarning: onNotice }));
  try {
    const plainHttp = insecure.includes('http');
    return { name, labels, ...(await discover(clients.http, { name, labels }, { plainHttp, ...defined({ signal }) })) };
  } finally {
    await clients.close();
  }
}
