/**
 * A build's step after compiling: puts what processes, threads and users of the library begin with into one file each,
 * as CommonJS, which Node loads sooner than modules. `compile.ts` comes next.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { beginningOfBundle, END_OF_BUNDLE } from '../program.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DIST = join(ROOT, 'dist');

const COMMON: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.12',
  define: { 'import.meta.url': 'moduleUrl' },
  // Each start reads and hashes all of a bundle. Names and lines stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  logLevel: 'warning',
};
const MODULE_URL = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;";

/** Makes the bundler see lmdb. `createRequire` loads it, since its CommonJS build loads sooner than its modules. */
const withLmdb: Plugin = {
  name: 'with lmdb',
  setup: ({ onLoad }) => {
    onLoad({ filter: /engine\/index\/lmdb\.js$/ }, ({ path }) => {
      const contents = fs
        .readFileSync(path, 'utf8')
        .replace("createRequire(import.meta.url)('lmdb')", "require('lmdb')");
      if (!contents.includes(" require('lmdb')")) throw new Error(`${path} does not load lmdb as it did`);
      return { contents };
    });
  },
};

await build({
  ...COMMON,
  entryPoints: [join(DIST, 'cli/cairn.js')],
  outfile: join(DIST, 'cli/cairn.cjs'),
  banner: { js: MODULE_URL },
  external: ['*/main.js'],
});
fs.chmodSync(join(DIST, 'cli/cairn.cjs'), 0o755);

const { metafile } = await build({
  ...COMMON,
  entryPoints: [join(DIST, 'cli/main.js')],
  outfile: join(DIST, 'cli/program.cjs'),
  // lmdb looks for its native part from its own file.
  banner: { js: `${beginningOfBundle()}\n${MODULE_URL}\nconst lmdbFile = require.resolve('lmdb');` },
  footer: { js: END_OF_BUNDLE },
  define: {
    ...COMMON.define,
    __filename: 'lmdbFile',
    // To load it takes a command longer than it spares.
    'process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED': '"true"',
  },
  supported: { 'dynamic-import': false },
  plugins: [withLmdb],
  external: [
    ...['koffi', 'piscina', 'smol-toml', 'tar-stream', 'fzstd', 'xz-decompress', 'xxhash-wasm', 'msgpackr-extract'],
    // They are larger than all the rest, and few commands need them.
    ...['openpgp', 'undici', 'fastify', 'htmlparser2'],
  ],
  metafile: true,
});
fs.writeFileSync(join(DIST, 'cli/program.cjs.licenses'), licensesOf(metafile));

for (const entry of ['workers/worker', 'engine/api']) {
  await build({
    ...COMMON,
    entryPoints: [join(DIST, `${entry}.js`)],
    outfile: join(DIST, `${entry}.cjs`),
    banner: { js: MODULE_URL },
    supported: { 'dynamic-import': false },
    packages: 'external',
  });
}
const api = createRequire(import.meta.url)(join(DIST, 'engine/api.cjs')) as Record<string, unknown>;
fs.writeFileSync(join(DIST, 'engine/api.mjs'), moduleOf(Object.keys(api)));
fs.writeFileSync(join(DIST, 'engine/api.d.cts'), declarationsOf(Object.entries(api)));

/**
 * What `import` gives is what `require` gives, so that a process that asks in both ways has one engine.
 * An `import` of the bundle itself would take half as long again, as it first looks for the names of its exports.
 */
function moduleOf(names: readonly string[]): string {
  return `import { createRequire } from "node:module";

export const { ${names.join(', ')} } = createRequire(import.meta.url)("./api.cjs");
`;
}

/**
 * The types are the same, too: a `Store` of the one is a `Store` of the other.
 * Values are declared one by one, as a CommonJS file may take nothing but types over from a module.
 */
function declarationsOf(values: readonly (readonly [name: string, value: unknown])[]): string {
  const source = '"./api.js" with { "resolution-mode": "import" }';
  const lines = values.map(([name]) => `export declare const ${name}: typeof api.${name};`);
  const types = values.filter(([, value]) => isClass(value)).map(([name]) => `export type ${name} = api.${name};`);
  return `import type * as api from ${source};
export type * from ${source};
${[...lines, ...types].join('\n')}
`;
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && String(value).startsWith('class');
}

/** The licenses of all packages that are part of a bundle. */
function licensesOf({ inputs }: Metafile): string {
  const directories = Object.keys(inputs).map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const packages = [...new Set(directories.filter((directory) => directory !== undefined))];
  return packages.map((directory) => `${basename(directory)}\n\n${licenseIn(join(ROOT, directory))}`).join('\n\n');
}

function licenseIn(directory: string): string {
  const file = fs.readdirSync(directory).find((name) => /^licen[cs]e/i.test(name));
  if (file !== undefined) return fs.readFileSync(join(directory, file), 'utf8');
  const { license } = JSON.parse(fs.readFileSync(join(directory, 'package.json'), 'utf8')) as { license: string };
  return `${license}\n`;
}
