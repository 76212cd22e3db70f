/**
 * What a `registries.conf` says (containers-registries.conf(5), version 2): where registries really are, what may stand
 * in for them, and what short names mean. Pure.
 */
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { isRegistryReference } from '../../image/oci/reference.js';
import { hasHost } from '../../image/oci/registry-reference.js';

/** By what a mirror may be asked for: a tag may mean another image there. */
export const PULLS = ['all', 'digest-only', 'tag-only'] as const;
export type Pulls = (typeof PULLS)[number];

export interface Mirror {
  /** `HOST[:PORT][/PATH]`. */
  location: string;
  /** Plain HTTP, and any certificate, will do. */
  insecure: boolean;
  pulls: Pulls;
}

export interface RegistryRule {
  /** The beginning of names that it is about, or `*.` and a domain. */
  prefix: string;
  /** What takes the place of the prefix. */
  location: string | undefined;
  insecure: boolean;
  blocked: boolean;
  mirrors: readonly Mirror[];
  /** The file that says so. */
  path: string;
}

export interface RegistriesConf {
  /** By their prefixes. */
  rules: ReadonlyMap<string, RegistryRule>;
  /** Full names of images by short ones; an empty one takes an alias back. */
  aliases: ReadonlyMap<string, string>;
  /** Registries to look for short names in; undefined if a file does not say. */
  search: readonly string[] | undefined;
  /** Whether a short name must mean one registry; undefined if a file does not say. */
  isEnforcing: boolean | undefined;
}

export const NO_CONF: RegistriesConf = {
  rules: new Map(),
  aliases: new Map(),
  search: undefined,
  isEnforcing: undefined,
};

/** What several files say together: of two that say the same thing differently, the later counts. */
export function mergeConfs(confs: readonly RegistriesConf[]): RegistriesConf {
  return confs.reduce(
    (all, next) => ({
      rules: new Map([...all.rules, ...next.rules]),
      aliases: new Map([...all.aliases, ...next.aliases]),
      search: next.search ?? all.search,
      isEnforcing: next.isEnforcing ?? all.isEnforcing,
    }),
    NO_CONF,
  );
}

/**
 * @param table a file's TOML
 * @throws CairnError `ERR_CONFIG`
 */
export function parseConf(table: Readonly<Record<string, unknown>>, path: string): RegistriesConf {
  const top = new Table(table, path, '');
  if (table['registries'] !== undefined)
    throw top.wrong('registries', 'is of version 1 of the format; version 2 has [[registry]]');
  const rules = top.tables('registry').map((each) => parseRule(each, path));
  const mode = top.oneOf('short-name-mode', ['', 'permissive', 'enforcing', 'disabled'] as const);
  return {
    rules: new Map(rules.map((rule) => [rule.prefix, rule])),
    aliases: aliasesIn(top),
    search: top
      .texts('unqualified-search-registries')
      ?.map((host) => checkedLocation(top, 'unqualified-search-registries', host)),
    isEnforcing: mode === undefined || mode === '' ? undefined : mode === 'enforcing',
  };
}

/** Of a file that has aliases and nothing else that counts. @throws as {@link parseConf} does */
export function parseAliases(table: Readonly<Record<string, unknown>>, path: string): RegistriesConf {
  return { ...NO_CONF, aliases: aliasesIn(new Table(table, path, '')) };
}

function parseRule(table: Table, path: string): RegistryRule {
  const location = trimmed(table.text('location'));
  const prefix = trimmed(table.text('prefix')) ?? location;
  if (prefix === undefined) throw table.wrong('location', 'must be there, or a prefix');
  const isWildcard = prefix.startsWith('*.');
  if (isWildcard) {
    if (!/^\*\.[A-Za-z0-9.-]+(?::\d+)?$/.test(prefix))
      throw table.wrong('prefix', `${quoted(prefix)}: * stands for the beginning of a host, with no path`);
  } else checkedLocation(table, 'prefix', prefix.replace(/@sha256:[0-9a-f]{64}$|(?<=\/[^/]*):[\w.-]+$/, ''));
  if (location !== undefined) checkedLocation(table, 'location', location);
  else if (!isWildcard) throw table.wrong('location', 'must be there');
  const isDigestOnly = table.flag('mirror-by-digest-only');
  const mirrors = table.tables('mirror').map((mirror) => parseMirror(mirror, isDigestOnly));
  return { prefix, location, insecure: table.flag('insecure'), blocked: table.flag('blocked'), mirrors, path };
}

function parseMirror(table: Table, isDigestOnly: boolean): Mirror {
  const location = trimmed(table.text('location'));
  if (location === undefined) throw table.wrong('location', 'must be there');
  const pulls = table.oneOf('pull-from-mirror', ['', ...PULLS] as const);
  const isSaid = pulls !== undefined && pulls !== '';
  if (isSaid && isDigestOnly) throw table.wrong('pull-from-mirror', 'does not go with mirror-by-digest-only');
  return {
    location: checkedLocation(table, 'location', location),
    insecure: table.flag('insecure'),
    pulls: isDigestOnly ? 'digest-only' : isSaid ? pulls : 'all',
  };
}

function aliasesIn(top: Table): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const [name, value] of Object.entries(top.table('aliases'))) {
    const entry = `aliases.${quoted(name)}`;
    if (typeof value !== 'string') throw top.wrong(entry, 'must be a string');
    if (!isBare(name) || hasHost(name)) throw top.wrong(entry, 'must be a name without host, tag and digest');
    if (value !== '' && !(isBare(value) && hasHost(value)))
      throw top.wrong(entry, 'must mean HOST/NAME, without tag and digest');
    aliases.set(name, value);
  }
  return aliases;
}

function isBare(name: string): boolean {
  return isRegistryReference(name) && isRegistryReference(`${name}:tag`);
}

function trimmed(text: string | undefined): string | undefined {
  return text?.replace(/\/+$/, '') || undefined;
}

/** @returns the location, if an image can be there @throws CairnError `ERR_CONFIG` */
function checkedLocation(table: Table, name: string, location: string): string {
  if (isRegistryReference(`${location}/image`)) return location;
  throw table.wrong(name, `${quoted(location)} is not HOST[:PORT][/PATH], without a scheme`);
}

/** A table of TOML, whose fields are read by their type. Fields that are not asked for are for other programs. */
class Table {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #entry: string;

  constructor(fields: Readonly<Record<string, unknown>>, path: string, entry: string) {
    this.#fields = fields;
    this.#path = path;
    this.#entry = entry;
  }

  wrong(name: string, rule: string): CairnError {
    const entry = this.#entry === '' ? name : `${this.#entry}.${name}`;
    return new CairnError('ERR_CONFIG', `${this.#path}: ${entry} ${rule}`, { path: this.#path, entry });
  }

  text(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || typeof value === 'string') return value;
    throw this.wrong(name, 'must be a string');
  }

  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'must be true or false');
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined || values.includes(value as T)) return value as T | undefined;
    throw this.wrong(name, `must be one of ${values.filter((each) => each !== '').join(', ')}`);
  }

  texts(name: string): string[] | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value as string[];
    throw this.wrong(name, 'must be a list of strings');
  }

  table(name: string): Record<string, unknown> {
    const value = this.#fields[name] ?? {};
    if (isTable(value)) return value;
    throw this.wrong(name, 'must be a table');
  }

  tables(name: string): Table[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value) || !value.every(isTable)) throw this.wrong(name, 'must be a list of tables');
    const entry = this.#entry === '' ? name : `${this.#entry}.${name}`;
    return value.map((fields, i) => new Table(fields, this.#path, `${entry}[${i}]`));
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
