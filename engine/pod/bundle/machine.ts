/** What this machine is called by those who run containers. */

const GO_NAMES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64', ia32: '386' };

/** The machine that this process runs on, by the name that Go has for it. */
export function architecture(): string {
  if (process.arch === 'ppc64') return 'ppc64le';
  return GO_NAMES[process.arch] ?? process.arch;
}
