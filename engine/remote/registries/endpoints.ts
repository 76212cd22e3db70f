/** Decides where an image may be had: from mirrors, and then from where its name says, or from elsewhere. Pure. */
import { CairnError } from '../../core/errors.js';
import type { RegistryReference } from '../../image/oci/registry-reference.js';
import type { RegistriesConf, RegistryRule } from './conf.js';

/** A repository of a registry. */
export interface Endpoint {
  /** With its port; `docker.io`, not the host that answers for it. */
  host: string;
  repository: string;
  /** Plain HTTP, and any certificate, will do. */
  insecure: boolean;
}

/**
 * Where to ask for an image, the first choice first. Mirrors come before the registry itself.
 * @throws CairnError `ERR_POLICY` for what is blocked
 */
export function endpointsFor(conf: RegistriesConf, reference: RegistryReference): Endpoint[] {
  const chosen = chooseRule(conf, reference);
  if (chosen === undefined) return [{ host: reference.host, repository: reference.repository, insecure: false }];
  const { rule, matched } = chosen;
  refuseBlocked(rule, reference);
  const wanted = reference.digest === undefined ? 'tag-only' : 'digest-only';
  const mirrors = rule.mirrors.filter(({ pulls }) => pulls === 'all' || pulls === wanted);
  const name = nameOf(reference);
  const rest = name.slice(matched);
  const primary = {
    location: rule.location === undefined ? name.slice(0, matched) : rule.location,
    insecure: rule.insecure,
  };
  return [...mirrors, primary].map(({ location, insecure }) => endpointAt(`${location}${rest}`, insecure));
}

/**
 * Where an image is pushed: where its name says. Mirrors are for reading.
 * @throws CairnError `ERR_POLICY` for what is blocked
 */
export function pushEndpointFor(conf: RegistriesConf, reference: RegistryReference): Endpoint {
  const rule = chooseRule(conf, reference)?.rule;
  if (rule !== undefined) refuseBlocked(rule, reference);
  return { host: reference.host, repository: reference.repository, insecure: rule?.insecure ?? false };
}

/** The rule with the longest prefix; a host by name comes before one by its domain. */
function chooseRule(
  conf: RegistriesConf,
  reference: RegistryReference,
): { rule: RegistryRule; matched: number } | undefined {
  let best: { rule: RegistryRule; matched: number; rank: readonly number[] } | undefined;
  for (const rule of conf.rules.values()) {
    const matched = matchOf(rule.prefix, reference);
    if (matched === undefined) continue;
    const isWildcard = rule.prefix.startsWith('*.');
    const rank = [matched, isWildcard ? 0 : 1, rule.prefix.length];
    if (best === undefined || isHigher(rank, best.rank)) best = { rule, matched, rank };
  }
  return best;
}

function isHigher(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i]);
  return at >= 0 && (one[at] as number) > (other[at] as number);
}

/** How many characters of the full name a prefix covers. It ends where a part of the name does. */
function matchOf(prefix: string, reference: RegistryReference): number | undefined {
  const { host, tag, digest } = reference;
  if (prefix.startsWith('*.')) {
    const bare = host.replace(/:\d+$/, '');
    return host.endsWith(prefix.slice(1)) || bare.endsWith(prefix.slice(1)) ? host.length : undefined;
  }
  const name = nameOf(reference);
  if (`${name}/`.startsWith(`${prefix}/`)) return prefix.length;
  const isWhole =
    (tag !== undefined && prefix === `${name}:${tag}`) || (digest !== undefined && prefix === `${name}@${digest}`);
  return isWhole ? prefix.length : undefined;
}

function nameOf({ host, repository }: RegistryReference): string {
  return `${host}/${repository}`;
}

function endpointAt(name: string, insecure: boolean): Endpoint {
  const slash = name.indexOf('/');
  return { host: name.slice(0, slash), repository: name.slice(slash + 1), insecure };
}

function refuseBlocked({ blocked, prefix, path }: RegistryRule, reference: RegistryReference): void {
  if (!blocked) return;
  throw new CairnError('ERR_POLICY', `${nameOf(reference)}: ${path} blocks ${prefix}`, { path });
}
