/**
 * Writes the reference of the library to `docs/api/`: a page for each function, class and type of `engine/api.ts`. What
 * is not clear to typedoc, such as a link that leads nowhere, or a type that is used but not exported, is a failure.
 */
import { register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** typedoc asks for the compiler's interface, which TypeScript has until its version 6. */
const HOOK = `export const resolve = (specifier, context, next) =>
  next(specifier === 'typescript' ? 'typescript-for-typedoc' : specifier, context);`;

/** @returns what is wrong, each on a line; nothing where all is well */
export async function writeApiDocs(out: string): Promise<string[]> {
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
  const { Application, LogLevel, Logger } = await import('typedoc');
  const faults: string[] = [];
  class Faults extends Logger {
    override log(message: string, level: number): void {
      if (level >= LogLevel.Warn) faults.push(message);
    }
  }
  const app = await Application.bootstrap({
    name: 'cairn-store',
    entryPoints: [join(ROOT, 'engine/api.ts')],
    tsconfig: join(ROOT, 'tsconfig.json'),
    basePath: ROOT,
    out,
    readme: join(ROOT, 'docs/library.md'),
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    disableSources: true,
    hideGenerator: true,
    // The compiler that builds the project has checked it.
    skipErrorChecking: true,
    validation: { notExported: true, invalidLink: true, invalidPath: false, notDocumented: false },
  });
  app.logger = new Faults();
  const project = await app.convert();
  if (project === undefined) return [...faults, 'nothing could be read'];
  app.validate(project);
  await app.generateOutputs(project);
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = await writeApiDocs(join(ROOT, 'docs/api'));
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
