/** The sources of the project and what they import, read from their text. */
import * as fs from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Folders of sources that are shipped. */
export const SHIPPED = ['engine', 'workers', 'cli'] as const;

export interface Source {
  /** `engine/layer/toc.ts`. */
  path: string;
  text: string;
  /** Paths of sources, or names of packages. Static, dynamic and type-only ones, re-exports, and `require`. */
  imports: readonly string[];
}

export function sourcesIn(folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    fs
      .readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readSource(`${folder}/${name}`)),
  );
}

function readSource(path: string): Source {
  const text = fs.readFileSync(join(ROOT, path), 'utf8');
  const found = text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .matchAll(/(?:^(?:import|export)\b[^;'"]*?\bfrom\s*|^import\s*|\bimport\(\s*|\)\(\s*|\brequire\(\s*)'([^'\s]+)'/gm);
  return { path, text, imports: [...found].map(([, target]) => locate(path, target as string)) };
}

function locate(source: string, target: string): string {
  if (!target.startsWith('.')) return target;
  return normalize(join(dirname(source), target)).replace(/\.js$/, '.ts');
}

/** All direct and indirect imports of a source, each with the way to it. */
export function reachedFrom(sources: ReadonlyMap<string, Source>, path: string): Map<string, string> {
  const ways = new Map<string, string>([[path, path]]);
  const open = [path];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const target of sources.get(at)?.imports ?? []) {
      if (ways.has(target)) continue;
      ways.set(target, `${ways.get(at)} → ${target}`);
      open.push(target);
    }
  }
  return ways;
}

/** A way from a source back to itself, if there is any. */
export function circleIn(sources: ReadonlyMap<string, Source>): string | undefined {
  for (const path of sources.keys()) {
    for (const target of sources.get(path)?.imports ?? []) {
      const way = reachedFrom(sources, target).get(path);
      if (way !== undefined) return `${path} → ${way}`;
    }
  }
  return undefined;
}

/** Lines of comments, with their numbers. */
export function commentLines(text: string): { line: string; number: number }[] {
  let inside = false;
  return text.split('\n').flatMap((line, i) => {
    const begins = /^\s*\/\*/.test(line);
    const isComment = inside || begins || /^\s*\/\//.test(line);
    if (begins || inside) inside = !line.includes('*/');
    return isComment ? [{ line, number: i + 1 }] : [];
  });
}
