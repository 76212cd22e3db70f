/**
 * What a token allows: `repository:team/app:pull,push`, several divided by spaces (distribution project, token scope).
 * Pure.
 */

/** Actions by the thing that they are about, `repository:team/app`. */
export type Scope = ReadonlyMap<string, ReadonlySet<string>>;

/** A text that is no scope counts as a thing without actions, so that it is passed on. */
export function parseScope(text: string): Scope {
  const scope = new Map<string, Set<string>>();
  for (const one of text.split(' ').filter((part) => part !== '')) {
    const colon = one.lastIndexOf(':');
    const isWhole = colon > one.indexOf(':');
    const thing = isWhole ? one.slice(0, colon) : one;
    const actions = isWhole ? one.slice(colon + 1).split(',') : [];
    const known = scope.get(thing) ?? new Set();
    for (const action of actions) if (action !== '') known.add(action);
    scope.set(thing, known);
  }
  return scope;
}

/** One text for each thing, in one order whatever order they came in. */
export function formatScope(scope: Scope): string[] {
  return [...scope]
    .map(([thing, actions]) => [thing, ...(actions.size === 0 ? [] : [[...actions].sort().join(',')])].join(':'))
    .sort();
}

export function uniteScopes(one: Scope, other: Scope): Scope {
  return parseScope([...formatScope(one), ...formatScope(other)].join(' '));
}

/** Whether who may do all of one scope may do all of another. */
export function coversScope(scope: Scope, wanted: Scope): boolean {
  return [...wanted].every(([thing, actions]) => {
    const allowed = scope.get(thing);
    return allowed !== undefined && [...actions].every((action) => allowed.has(action) || allowed.has('*'));
  });
}
