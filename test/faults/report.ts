/** Ends a long run: findings on stderr, a line of summary on stdout, an exit code. */

export interface Summary {
  name: string;
  /** Figures, in the order of the summary. */
  figures: Readonly<Record<string, number | string>>;
  /** Findings. */
  wrong: readonly string[];
  /** Runs without one protection each: the name of the protection, and the number of findings. */
  controls?: readonly { name: string; found: number }[];
}

export function finish({ name, figures, wrong, controls = [] }: Summary): void {
  for (const what of wrong) process.stderr.write(`${name}: ${what}\n`);
  const blind = controls.filter(({ found }) => found === 0);
  for (const control of blind) process.stderr.write(`${name}: nothing was found in a build with ${control.name}\n`);
  const told = Object.entries(figures).map(([what, count]) => `${count} ${what}`);
  const shown = controls.map((control) => `${control.name}: ${control.found} found`);
  process.stdout.write(
    `${name}: ${[...told, `${wrong.length} wrong`].join(', ')}${shown.map((each) => `; ${each}`).join('')}\n`,
  );
  process.exitCode = wrong.length > 0 || blind.length > 0 ? 1 : 0;
}

/** Ends a run that lacks something it needs. */
export function skip(name: string, why: string): void {
  process.stdout.write(`${name}: skipped: ${why}\n`);
}
