/** The layouts of a store beside each other, in one scenario: cairn runs in each of them, its peers run once. */
import type { ObjectLayout } from '../../engine/session/format.js';
import type { Contestant, Scenario } from './contestant.js';

/** The first one's contestants come first, so that the others are compared with them. */
export const LAYOUTS: readonly ObjectLayout[] = ['packs', 'loose'];

/** What a contestant of cairn's is called in a store of a layout. */
export function nameIn(name: string, layout: ObjectLayout): string {
  return `${name}, ${layout}`;
}

/** Whether a contestant works on a store: a program of cairn's, or its library in the benchmark's own process. */
export function isOwn({ name }: { name: string }): boolean {
  return /^cairn\b|^store\./.test(name);
}

/** @param inLayouts the same scenario on the ground of each layout; of what has an axis each stays a line of its own */
export function layoutsBeside(inLayouts: readonly (readonly [ObjectLayout, Scenario])[]): Scenario[] {
  const [first] = inLayouts.map(([, scenario]) => scenario);
  if (first === undefined) return [];
  if (first.axis !== undefined) return inLayouts.map(([layout, scenario]) => lineIn(scenario, layout));
  const own = <T extends { name: string }>(of: (scenario: Scenario) => readonly T[]): T[] =>
    inLayouts.flatMap(([layout, scenario]) =>
      of(scenario)
        .filter(isOwn)
        .map((each) => ({ ...each, name: nameIn(each.name, layout) })),
    );
  const both = <T extends { name: string }>(of: (scenario: Scenario) => readonly T[]): T[] => [
    ...own(of),
    ...of(first).filter((each) => !isOwn(each)),
  ];
  const close = async (): Promise<void> => {
    for (const [, scenario] of inLayouts) await scenario.close?.();
  };
  return [
    {
      ...first,
      contestants: both(({ contestants }) => contestants) as [Contestant, ...Contestant[]],
      skipped: both(({ skipped }) => skipped),
      close,
    },
  ];
}

function lineIn(scenario: Scenario, layout: ObjectLayout): Scenario {
  const { over = '', line = '' } = scenario.axis ?? {};
  return { ...scenario, name: nameIn(scenario.name, layout), axis: { over, line: nameIn(line, layout) } };
}
