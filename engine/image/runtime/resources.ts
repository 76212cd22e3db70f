/** Resource isolators as limits of a control group (appc spec, executor, "Resource Isolators"). */
import { defined } from '../../core/defined.js';
import type { JsonField } from '../json-field.js';
import type { RuntimeResources } from './config.js';
import type { IsolatorList } from './isolator-list.js';
import { amountOf } from './quantity.js';

export const CPU = 'resource/cpu';
export const MEMORY = 'resource/memory';
export const CPU_SHARES = 'os/linux/cpu-shares';

/** What isolators grant. Processor time is in thousandths of a processor, memory in bytes. */
export interface Grants {
  cpu?: number;
  memory?: number;
  memoryRequest?: number;
  shares?: number;
}

/**
 * Of several isolators of one kind the last counts, as in rkt. What an app requests of processor time is no bound, and
 * says nothing to the kernel.
 * @throws CairnError `ERR_BAD_MANIFEST`
 */
export function grantsOf(isolators: IsolatorList): Grants {
  const memory = isolators.last(MEMORY);
  return defined({
    cpu: amount(isolators.last(CPU), 'limit', -3),
    memory: amount(memory, 'limit', 0),
    memoryRequest: amount(memory, 'request', 0),
    shares: isolators.last(CPU_SHARES)?.integer(2, 262_144),
  });
}

function amount(value: JsonField | undefined, key: 'limit' | 'request', power: 0 | -3): number | undefined {
  const field = value?.field(key);
  return field === undefined || field.absent ? undefined : amountOf(field, power);
}

/** An app never gets more than its pod. */
export function bounded(app: Grants, pod: Grants): Grants {
  const least = (key: 'cpu' | 'memory'): number | undefined => {
    const all = [app[key], pod[key]].filter((each) => each !== undefined);
    return all.length === 0 ? undefined : Math.min(...all);
  };
  return { ...app, ...defined({ cpu: least('cpu'), memory: least('memory') }) };
}

/** Microseconds between which the kernel counts processor time, and the longest such time that it knows. */
const PERIOD = 100_000;
const LONGEST_PERIOD = 1_000_000;
/** The smallest share of a period that the kernel gives. */
const LEAST_QUOTA = 1000;

export function resourcesOf({ cpu, memory, memoryRequest, shares }: Grants): RuntimeResources {
  const period = cpu !== undefined && (cpu * PERIOD) / 1000 < LEAST_QUOTA ? LONGEST_PERIOD : PERIOD;
  const quota = cpu === undefined ? {} : { quota: (cpu * period) / 1000, period };
  // A reservation above the limit reserves nothing more.
  const reservation = memoryRequest === undefined ? undefined : Math.min(memoryRequest, memory ?? memoryRequest);
  return {
    ...(cpu === undefined && shares === undefined ? {} : { cpu: { ...defined({ shares }), ...quota } }),
    ...(memory === undefined && reservation === undefined ? {} : { memory: defined({ limit: memory, reservation }) }),
  };
}
