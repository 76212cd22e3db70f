/** Configuration files, through the real program: which counts, whose is read, what is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { COMMANDS } from '../../cli/commands.js';
import type { Scope } from '../../cli/config/check.js';
import { loadFile } from '../../cli/config/load.js';
import type { Place } from '../../cli/config/place.js';
import { defineCommand, programOf } from '../../cli/definition.js';
import type { CairnError } from '../../engine/core/errors.js';
import { PROGRAM, type RunOptions } from '../fixtures/cli.js';
import { type Json, TestStore } from '../fixtures/store.js';

const IS_ROOT = process.geteuid?.() === 0;
const NEEDS_ROOT = IS_ROOT ? false : 'only root has files of others';
const NOBODY = 65_534;

/** A store and a user with files. */
class Configured extends TestStore {
  readonly user = this.path('xdg/cairn/cairn.toml');
  readonly own = join(this.store, 'cairn.toml');

  constructor(t: TestContext) {
    super(t);
    fs.mkdirSync(dirname(this.user), { recursive: true });
    fs.mkdirSync(this.store, { mode: 0o700 });
  }

  override run(args: readonly string[], options: RunOptions = {}) {
    return super.run(args, { ...options, env: { XDG_CONFIG_HOME: this.path('xdg'), ...options.env } });
  }

  put(file: string, text: string): string {
    fs.writeFileSync(file, text, { mode: 0o644 });
    return file;
  }

  /** What files give, as `option=value`. */
  async inForce(args: readonly string[] = [], options: RunOptions = {}): Promise<string[]> {
    const ran = await this.ok(['config', 'ls', '--json', ...args], options);
    const told = ran.json<{ option: string; value: unknown; from: string }[]>();
    return told.filter(({ from }) => from === 'file').map(({ option, value }) => `${option}=${value}`);
  }
}

async function wholeScope(): Promise<Scope> {
  const program = programOf('0', false);
  for (const entry of COMMANDS) await defineCommand(program, entry, COMMANDS);
  return { program, commands: COMMANDS };
}

const SCOPE = await wholeScope();

/** What is wrong with a file, in the order of the file. */
async function faultsIn(file: string, kind: Place['kind'] = 'user'): Promise<readonly CairnError[]> {
  return (await loadFile({ kind, file }, SCOPE)).faults;
}

test('the command line counts more than a store, a store more than a user', async (t) => {
  const s = new Configured(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }), s.aci('b.aci', { name: 'example.com/b' })]);
  const order = async (...args: string[]): Promise<string[]> => {
    const images = (await s.ok(['ls', '--json', ...args])).json<{ name: string }[]>();
    return images.map(({ name }) => name.slice(-1));
  };
  s.put(s.user, '[ls]\nsort = "name"\n');
  assert.deepEqual(await order(), ['a', 'b']);
  s.put(s.user, '[ls]\nsort = "name"\norder = "desc"\n');
  assert.deepEqual(await order(), ['b', 'a']);
  s.put(s.own, '[ls]\norder = "asc"\n');
  assert.deepEqual(await order(), ['a', 'b']);
  assert.deepEqual(await order('--order', 'desc'), ['b', 'a']);
});

test('config tells what is in force, and who gave it', async (t) => {
  const s = new Configured(t);
  s.put(s.user, 'workers = 2\nmax-bytes = "5GB"\n[ls]\nsort = "name"\norder = "desc"\n');
  s.put(s.own, 'progress = false\n[ls]\norder = "asc"\n');
  assert.deepEqual(await s.json(['config', '--workers', '4']), [
    { option: 'store', value: s.store, from: 'environment' },
    { option: 'json', value: true, from: 'command line' },
    { option: 'workers', value: 4, from: 'command line' },
    { option: 'max-bytes', value: '5GB', from: 'file', file: s.user },
    { option: 'ls.sort', value: 'name', from: 'file', file: s.user },
    { option: 'ls.order', value: 'asc', from: 'file', file: s.own },
    { option: 'progress', value: false, from: 'file', file: s.own },
  ]);
  const none: RunOptions = { env: { CAIRN_STORE: '', XDG_DATA_HOME: s.path('data'), CAIRN_CONFIG: '/dev/null' } };
  const told = (await s.ok(['config'], none)).stdout.toString();
  assert.match(told, /^OPTION +VALUE +FROM\nstore +"\/.*cairn" +default\nconfig +"\/dev\/null" +environment\n/);
});

test('the system comes last', { skip: IS_ROOT ? false : 'only root can mount' }, (t) => {
  const s = new Configured(t);
  fs.mkdirSync(s.path('etc/cairn'), { recursive: true });
  s.put(s.path('etc/cairn/cairn.toml'), 'workers = 1\nquiet = true\nverbose = true\n');
  s.put(s.user, 'workers = 2\nquiet = false\n');
  s.put(s.own, 'workers = 3\n');
  const script = `mount --bind '${s.path('etc')}' /etc && exec '${process.execPath}' '${PROGRAM}' config --json`;
  const env = { ...process.env, CAIRN_STORE: s.store, XDG_CONFIG_HOME: s.path('xdg'), CAIRN_CONFIG: '' };
  const { stdout, status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { env, encoding: 'utf8' });
  if (status !== 0 && /unshare|mount/.test(stderr)) return t.skip('mounting is not allowed here');
  assert.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as { option: string; value: unknown; from: string; file: string }[];
  assert.deepEqual(
    found.filter(({ from }) => from === 'file').map(({ option, value, file }) => [option, value, file]),
    [
      ['workers', 3, s.own],
      ['quiet', false, s.user],
      ['verbose', true, '/etc/cairn/cairn.toml'],
    ],
  );
  return undefined;
});

test('a file that is named takes the place of the general ones, not of the store’s', async (t) => {
  const s = new Configured(t);
  s.put(s.user, 'workers = 1\nverbose = true\n');
  s.put(s.own, 'quiet = true\n');
  const [named, other] = [s.write('named.toml', 'workers = 2\n'), s.write('other.toml', 'workers = 3\n')];
  assert.deepEqual(await s.inForce(), ['workers=1', 'verbose=true', 'quiet=true']);
  assert.deepEqual(await s.inForce([], { env: { CAIRN_CONFIG: named } }), ['workers=2', 'quiet=true']);
  assert.deepEqual(await s.inForce(['--config', other], { env: { CAIRN_CONFIG: named } }), ['workers=3', 'quiet=true']);
  assert.deepEqual(await s.inForce(['--config', '/dev/null']), ['quiet=true']);
  for (const args of [['ls'], ['config', 'ls']])
    assert.match(
      (await s.refused([...args, '--config', s.path('nowhere')], 'ERR_NOT_FOUND', 3)).message,
      /no such file/,
    );
  await s.refused(['ls'], 'ERR_NOT_FOUND', 3, { env: { CAIRN_CONFIG: s.path('nowhere') } });
  await s.refused(['ls', '--config', ''], 'ERR_USAGE', 2);
});

test('a file may say where the store is, which the environment and the command line know better', async (t) => {
  const s = new Configured(t);
  const [first, second, third] = [s.path('first'), s.path('second'), s.path('third')];
  s.put(s.user, `store = "${first}"\n`);
  const none: RunOptions = { env: { CAIRN_STORE: '' } };
  await s.ok(['put', '-'], { ...none, input: Buffer.from('1') });
  assert.ok(fs.existsSync(join(first, 'cairn.json')));
  s.put(join(first, 'cairn.toml'), 'quiet = true\n');
  assert.deepEqual(await s.inForce([], none), [`store=${first}`, 'quiet=true']);
  await s.ok(['put', '-'], { env: { CAIRN_STORE: second }, input: Buffer.from('1') });
  assert.ok(fs.existsSync(join(second, 'cairn.json')));
  await s.ok(['--store', third, 'put', '-'], { env: { CAIRN_STORE: second }, input: Buffer.from('1') });
  assert.ok(fs.existsSync(join(third, 'cairn.json')));
  assert.deepEqual(await s.inForce([], { env: { CAIRN_STORE: second } }), []);
  const [lease] = (await s.ok(['__complete', 'get', 'sha'], none)).stdout.toString().split('\n');
  assert.match(lease ?? '', /^sha512-/, 'completion knows the store, too');
});

test('a flag of a file is taken back by its opposite', async (t) => {
  const s = new Configured(t);
  await s.ok(['put', '-'], { input: Buffer.from('x') });
  s.put(s.user, 'json = true\nverbose = true\n');
  assert.deepEqual((await s.ok(['ls'])).json<Json[]>(), []);
  assert.match((await s.ok(['du', '--no-json'])).stdout.toString(), /^[^{]/);
  const failed = await s.run(['inspect', 'nothing']);
  assert.deepEqual([failed.code, failed.error().code], [3, 'ERR_NOT_FOUND']);
  assert.match(failed.stderr, /\n +at /);
  assert.doesNotMatch((await s.run(['inspect', 'nothing', '--no-json', '--no-verbose'])).stderr, /^\{|\n +at /);
});

test('an option that must be given may come from a file', async (t) => {
  const s = new Configured(t);
  await s.ok(['render', s.aci('a.aci', { name: 'example.com/a' })]);
  assert.match((await s.refused(['lease', 'add', 'example.com/a'], 'ERR_USAGE', 2)).message, /--ttl/);
  s.put(s.own, '[lease.add]\nttl = "1h"\nholder = "runner"\n');
  assert.equal((await s.json(['lease', 'add', 'example.com/a']))['holder'], 'runner');
});

/** Files with one mistake each, and what is said of it. */
const MISTAKES: readonly (readonly [
  text: string,
  entry: string | undefined,
  message: RegExp,
  candidates?: string[],
])[] = [
  ['workrs = 2', 'workrs', /there is no such option/, ['workers']],
  ['[gcc]\n', 'gcc', /there is no such command/, ['gc']],
  ['[images]\n', 'images', /its table is called ls/, ['ls']],
  ['gc = 1', 'gc', /this is a command: its options stand in a table, \[gc\]/],
  ['[gc]\ngrace-perod = "7d"', 'gc.grace-perod', /there is no such option/, ['grace-period']],
  ['[gc]\nworkers = 2', 'gc.workers', /it stands before the first table/],
  ['[gc]\ngrace-period = "7x"', 'gc.grace-period', /cannot be "7x": A duration is a number with a unit/],
  ['[gc]\nkeep-storage = 500', 'gc.keep-storage', /cannot be 500: A size is a number with a unit/],
  ['[gc]\nkeep-last = true', 'gc.keep-last', /must be a text or a number, not true/],
  ['[gc]\nimages = "yes"', 'gc.images', /must be true or false, not "yes"/],
  ['[gc]\ndry-run = true', 'gc.dry-run', /no file can say this: it is decided each time anew/],
  ['[gc.all]\nimages = true', 'gc.all', /there is no such command/],
  ['workers = "x"', 'workers', /cannot be "x": A count is a whole number above zero/],
  ['workers = [1, 2]', 'workers', /must be a text or a number, not \[1,2\]/],
  ['no-progress = true', 'no-progress', /there is no such option/, ['progress']],
  ['store = "images"', 'store', /a store's path begins with \//],
  ['store = "https://me:secret@example.com"', 'store', /begins with/],
  ['config = "x"', 'config', /files name no other files/],
  ['help = true', 'help', /no file can say this/],
  ['__proto__ = 1', '__proto__', /there is no such option/],
  ['[constructor]\nx = 1', 'constructor', /there is no such command/],
  ['workers = = 2', undefined, /line 1, column 11: /],
  ['workers = 1\nworkers = 2', undefined, /line 2, column \d+: /],
];

test('a mistake is told with its place', async (t) => {
  const s = new Configured(t);
  for (const [text, entry, message, candidates] of MISTAKES) {
    const [fault, ...more] = await faultsIn(s.put(s.user, text));
    assert.ok(fault !== undefined && more.length === 0, text);
    assert.match(fault.message, message, text);
    assert.deepEqual([fault.path, fault.entry, fault.candidates], [s.user, entry, candidates], text);
    assert.doesNotMatch(JSON.stringify([fault.message, fault.expected, fault.found]), /secret/);
  }
});

test('a command with a mistake in a file is refused', async (t) => {
  const s = new Configured(t);
  s.put(s.user, '[gc]\ngrace-perod = "7d"');
  const refused = await s.refused(['gc'], 'ERR_CONFIG', 1);
  assert.deepEqual([refused.path, refused.entry, refused['candidates']], [s.user, 'gc.grace-perod', ['grace-period']]);
  s.put(s.user, '');
  s.put(s.own, 'store = "/srv/store"');
  assert.match((await s.refused(['gc'], 'ERR_CONFIG', 1)).message, /lies in a store already/);
  const said = await s.run(['--config', s.write('f.toml', '[gc]\ngrace-perod = "7d"'), 'gc']);
  assert.match(said.stderr, /f\.toml: gc\.grace-perod: there is no such option\nDid you mean grace-period\?\n$/);
});

test('no value that may be secret is shown', async (t) => {
  const s = new Configured(t);
  s.put(s.user, '[import]\nplatform = "docker://me:secret@host/x"\njobs = "docker://me:secret@host/x"\n');
  const refused = await s.run(['import', 'x']);
  assert.match(refused.stderr, /import\.jobs: cannot be "docker:\/\/host\/x"/);
  s.put(s.user, '[import]\nplatform = "docker://me:secret@host/x"\n');
  for (const args of [
    ['config', 'ls'],
    ['config', 'ls', '--json'],
  ])
    assert.match((await s.ok(args)).stdout.toString(), /"docker:\/\/host\/x"/);
});

test('what is no text, or too much of it, is refused', async (t) => {
  const s = new Configured(t);
  for (const [bytes, message] of [
    [Buffer.from([0x61, 0xff]), /not UTF-8/],
    [Buffer.alloc(2 ** 20 + 1, '#'), /more than 1048576 bytes/],
  ] as const) {
    fs.writeFileSync(s.user, bytes);
    assert.match(String(await faultsIn(s.user)), message);
  }
  assert.match(String(await faultsIn('/dev/zero', 'given')), /more than/);
  assert.match(String(await faultsIn(s.dir, 'given')), /not a file/);
  fs.rmSync(s.user);
  assert.equal(spawnSync('mkfifo', [s.user]).status, 0);
  assert.match(String(await faultsIn(s.user)), /not a file/);
  assert.deepEqual(await faultsIn(s.write('bom.toml', '\ufeffquiet = true\n'), 'given'), []);
});

test('a file that anybody may write is refused, unless it was named', async (t) => {
  const s = new Configured(t);
  s.put(s.own, 'quiet = true\n');
  fs.chmodSync(s.own, 0o646);
  await s.refused(['ls'], 'ERR_CONFIG', 1);
  for (const kind of ['system', 'user', 'store'] as const)
    assert.match(String(await faultsIn(s.own, kind)), /others may write it \(mode 0646\)/);
  assert.deepEqual(await faultsIn(s.own, 'given'), []);
  fs.chmodSync(s.own, 0o664);
  assert.equal((await faultsIn(s.own, 'store')).length, IS_ROOT ? 1 : 0);
});

test('a file of another user is not read, which is said', { skip: NEEDS_ROOT }, async (t) => {
  const s = new Configured(t);
  await s.ok(['put', '-'], { input: Buffer.from('x') });
  for (const file of [s.user, s.own]) {
    // Even a mistake in it does no harm, nor does a mode.
    s.put(file, 'no TOML');
    fs.chmodSync(file, 0o666);
    fs.chownSync(file, NOBODY, NOBODY);
    const ran = await s.ok(['ls', '--json']);
    assert.equal(ran.stderr, `cairn: ${file} belongs to another user, so it is not read\n`);
    assert.equal((await s.ok(['ls', '--json', '--quiet'])).stderr, '');
    const states = (await s.ok(['config', 'path', '--json'])).json<{ file: string; state: string }[]>();
    assert.equal(states.find((each) => each.file === file)?.state, 'foreign');
    fs.rmSync(file);
    // A link to a file of root is nobody's word all the same.
    fs.symlinkSync(s.write('roots.toml', 'quiet = true\n'), file);
    fs.lchownSync(file, NOBODY, NOBODY);
    assert.deepEqual(await s.inForce(), []);
    fs.rmSync(file);
  }
});

test('files of root are read by all, and those that somebody cannot reach are none', {
  skip: NEEDS_ROOT,
}, async (t) => {
  const s = new Configured(t);
  fs.chmodSync(s.dir, 0o755);
  s.put(s.user, 'quiet = true\n');
  const nobody: RunOptions = { uid: NOBODY, env: { CAIRN_STORE: s.path('none') } };
  assert.deepEqual(await s.inForce([], nobody), ['quiet=true']);
  fs.chmodSync(s.user, 0o600);
  await s.refused(['version'], 'ERR_IO', 1, nobody);
  fs.chmodSync(dirname(s.user), 0o700);
  assert.deepEqual(await s.inForce([], nobody), []);
});

test('check tells all that is wrong, path what is there', async (t) => {
  const s = new Configured(t);
  s.put(s.user, 'quiet = true\n[gc]\ngrace-perod = "7d"\nkeep-last = 0\n[tree.ls]\nx = 1\n');
  s.put(s.own, '[import]\njobs = 2\n');
  const checked = await s.json<Json[]>(['config', 'check'], 1);
  const fault = (entry: string, message: string, candidates?: string[]): Json =>
    JSON.parse(JSON.stringify({ entry, message, candidates }));
  assert.deepEqual(checked, [
    {
      ...{ file: s.user, state: 'read', ok: false, options: 1 },
      faults: [
        fault('gc.grace-perod', 'there is no such option', ['grace-period']),
        fault('gc.keep-last', 'cannot be 0: A count is a whole number above zero.'),
        fault('tree.ls.x', 'there is no such option'),
      ],
    },
    { file: s.own, state: 'read', ok: true, options: 1, faults: [] },
  ]);
  // A command looks only at its own table.
  await s.ok(['version']);
  const [system, ...others] = await s.json<Json[]>(['config', 'path']);
  assert.equal(system?.['kind'], 'system');
  assert.deepEqual(others, [
    { kind: 'user', file: s.user, state: 'read' },
    { kind: 'store', file: s.own, state: 'read' },
  ]);
  assert.deepEqual(await s.json(['config', 'check', s.own]), [checked[1]]);
  assert.match((await s.ok(['config', 'check', s.own])).stdout.toString(), /: 1 options, all is well\n$/);
  await s.refused(['config', 'ls'], 'ERR_CONFIG', 1);
  s.put(s.user, 'x = ');
  assert.equal((await s.run(['config', 'check'])).code, 1);
  await s.ok(['config', 'path']);
});

test('help is given whatever files say', async (t) => {
  const s = new Configured(t);
  s.put(s.user, 'x = ');
  for (const args of [['--help'], ['gc', '--help'], ['--version']]) await s.ok(args);
  await s.refused(['gc', '--nonsense'], 'ERR_USAGE', 2);
});

test('where there is no file, three are looked for and nothing is loaded', async (t) => {
  const s = new Configured(t);
  const hook = s.write(
    'hook.cjs',
    `const Module = require('node:module');
const fs = require('node:fs');
const { _load: load } = Module;
const { statSync } = fs;
Module._load = (name, ...rest) => {
  if (name === 'smol-toml') process.stderr.write('TOML\\n');
  return load(name, ...rest);
};
fs.statSync = (path, ...rest) => {
  if (String(path).endsWith('cairn.toml')) process.stderr.write('look\\n');
  return statSync(path, ...rest);
};
`,
  );
  const nodeFlags = ['--require', hook];
  assert.equal((await s.ok(['version'], { nodeFlags })).stderr, 'look\n'.repeat(3));
  s.put(s.own, 'quiet = true\n');
  assert.equal((await s.ok(['version'], { nodeFlags })).stderr, `${'look\n'.repeat(3)}TOML\n`);
});
