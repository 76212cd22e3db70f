/** Resources of an OCI runtime bundle as isolators of appc. */
import type { Isolator } from '../../aci/isolators.js';
import type { JsonObject } from '../../json.js';
import type { JsonField } from '../../json-field.js';
import type { Untold } from './untold.js';

/** In microseconds, as runtimes have it. */
const DEFAULT_PERIOD = 100_000;

export function resourcesFrom(resources: JsonField, untold: Untold): Isolator[] {
  if (resources.absent) return [];
  untold.rest(resources, ['memory', 'cpu', 'devices']);
  tellDevices(resources.exactField('devices'), untold);
  return [
    ...memoryFrom(resources.exactField('memory').orEmpty(), untold),
    ...cpuFrom(resources.exactField('cpu').orEmpty(), untold),
  ];
}

function memoryFrom(memory: JsonField, untold: Untold): Isolator[] {
  untold.rest(memory, ['limit', 'reservation']);
  const value = amounts({
    request: positive(memory.exactField('reservation'), 1),
    limit: positive(memory.exactField('limit'), 1),
  });
  return value === undefined ? [] : [{ name: 'resource/memory', value }];
}

function cpuFrom(cpu: JsonField, untold: Untold): Isolator[] {
  untold.rest(cpu, ['quota', 'period', 'shares']);
  const quota = positive(cpu.exactField('quota'), 1);
  const period = positive(cpu.exactField('period'), 1) ?? DEFAULT_PERIOD;
  const shares = cpu.exactField('shares');
  // The kernel takes 0 for what it has by default, and cuts others to these limits.
  const weight = positive(shares, 2);
  if (weight !== undefined && weight > MOST_SHARES) untold.tell(shares, `more shares than ${MOST_SHARES}`);
  const value = amounts({ limit: quota === undefined ? undefined : shareOf(quota, period) });
  return [
    ...(value === undefined ? [] : [{ name: 'resource/cpu', value }]),
    ...(weight === undefined ? [] : [{ name: 'os/linux/cpu-shares', value: Math.min(weight, MOST_SHARES) }]),
  ];
}

const MOST_SHARES = 262_144;

/** @returns undefined for no limit, as 0 and less mean */
function positive(field: JsonField, least: number): number | undefined {
  const number = field.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return number <= 0 ? undefined : Math.max(number, least);
}

function amounts(texts: Record<string, number | string | undefined>): JsonObject | undefined {
  const given = Object.entries(texts).flatMap(([key, amount]) => (amount === undefined ? [] : [[key, `${amount}`]]));
  return given.length === 0 ? undefined : (Object.fromEntries(given) as JsonObject);
}

/** Processors, exactly where a decimal fraction can say it, else a little less. */
function shareOf(quota: number, period: number): string {
  for (const [suffix, parts] of [['m', 1000n] as const, ['u', 1_000_000n] as const]) {
    const amount = BigInt(quota) * parts;
    if (amount % BigInt(period) === 0n) return `${amount / BigInt(period)}${suffix}`;
  }
  return `${(BigInt(quota) * 1_000_000_000n) / BigInt(period)}n`;
}

/** That all devices are forbidden which are not among the standard ones goes without saying. */
function tellDevices(devices: JsonField, untold: Untold): void {
  for (const rule of devices.items()) {
    const isRefusal = !rule.exactField('allow').flag();
    const isOfAll = ['type', 'major', 'minor'].every((key) => rule.exactField(key).absent);
    if (!(isRefusal && isOfAll)) untold.tell(rule);
  }
}
