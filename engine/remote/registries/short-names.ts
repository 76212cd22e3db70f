/** What a name without a host means: an alias, or an image of one of the registries that are searched. Pure. */
import { CairnError } from '../../core/errors.js';
import { formatReference, parseReference } from '../../image/oci/reference.js';
import {
  formatRegistryReference,
  hasHost,
  parseRegistryReference,
  REGISTRY_SCHEME,
  type RegistryReference,
} from '../../image/oci/registry-reference.js';
import type { RegistriesConf } from './conf.js';

/**
 * The images that a reference may mean, the first choice first. Without a configuration that says otherwise, no host
 * means Docker Hub.
 * @throws CairnError `ERR_NAME_SYNTAX`; `ERR_AMBIGUOUS_KEY` where a configuration wants short names to mean one thing
 */
export function meaningsOf(conf: RegistriesConf, text: string): RegistryReference[] {
  const plain = parseRegistryReference(text);
  const bare = text.startsWith(REGISTRY_SCHEME) ? text.slice(REGISTRY_SCHEME.length) : text;
  if (hasHost(bare)) return [plain];
  const { name, ...rest } = parseReference(bare);
  const alias = conf.aliases.get(name) || undefined;
  if (alias !== undefined) return [parseRegistryReference(formatReference({ name: alias, ...rest }))];
  const { search = [], isEnforcing } = conf;
  if (search.length === 0) return [plain];
  const found = search.map((host) => parseRegistryReference(formatReference({ name: `${host}/${name}`, ...rest })));
  if (isEnforcing !== true || found.length === 1) return found;
  const candidates = found.map(formatRegistryReference);
  throw new CairnError('ERR_AMBIGUOUS_KEY', `${text} may be ${candidates.join(' or ')}`, { candidates });
}
