/** What shells offer to somebody who types: the program’s own answers, and the scripts in real shells. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from '../../cli/commands.js';
import { complete } from '../../cli/completion/complete.js';
import { tar } from '../fixtures/archive.js';
import { PROGRAM } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { madeOnce, TestStore } from '../fixtures/store.js';

const NONE_MISSING = (program: string): false | string =>
  spawnSync(program, ['--version']).status === 0 ? false : `there is no ${program}`;

interface Filled {
  /** Short ones, as people see them. */
  keys: { app: string; other: string; nameless: string; tree: string; blob: string };
  lease: string;
}

const short = (key: string): string => key.slice(0, 'sha512-'.length + 12);

/** A store with all that can be offered, and the program as `cairn` in a directory `bin`. */
const filled = madeOnce(async (s): Promise<Filled> => {
  fs.mkdirSync(s.path('bin'));
  fs.symlinkSync(PROGRAM, s.path('bin/cairn'));
  ociLayout(s.path('layout'), [{ ref: 'app:2.0', layers: [tar([{ name: 'f', content: 'x' }])] }]);
  ociLayout(s.path('bare'), [{ layers: [tar([{ name: 'f', content: 'y' }])] }]);
  const labels = { version: '1.0.0', os: 'linux', arch: 'amd64' };
  const other = s.aci('other.aci', { name: 'example.com/other', labels });
  const imported = await s.json<{ key: string }[]>(['import', s.path('layout'), other]);
  const [bare] = await s.json<{ key: string }[]>(['import', s.path('bare'), '--name', 'gone']);
  await s.ok(['untag', 'gone']);
  const [rendered] = await s.json<{ treeId: string }[]>(['render', 'app:2.0']);
  const lease = await s.json<{ id: string }>(['lease', 'add', 'app:2.0', '--ttl', '1h']);
  const blob = await s.json<{ key: string }>(['put', other]);
  const tree = (rendered as { treeId: string }).treeId.replace(/-(sha512-.{12}).*/, '-$1');
  const [first, second] = imported.map(({ key }) => short(key)) as [string, string];
  const nameless = short((bare as { key: string }).key);
  return { keys: { app: first, other: second, nameless, tree, blob: short(blob.key) }, lease: lease.id };
});

const APP = 'app:2.0';
const OTHER = 'example.com/other:1.0.0,os=linux,arch=amd64';

async function offered(s: TestStore, words: readonly string[]): Promise<string[]> {
  const ran = await s.ok(['__complete', ...words]);
  assert.equal(ran.stderr, '');
  return ran.stdout.toString().split('\n').filter(Boolean);
}

test('the program offers what can stand where somebody types', async (t) => {
  const { s, made } = await filled(t);
  const { keys, lease } = made;
  const images = [APP, OTHER, keys.nameless];
  const cases: [words: string[], found: string[]][] = [
    [['im'], ['import', 'images']],
    [
      ['tree', ''],
      ['ls', 'path', 'rm', 'diff'],
    ],
    [['help', 'bl'], ['blob']],
    [['man', 'bl'], ['blob']],
    [['inspect', ''], images],
    [['inspect', '--', 'ap'], [APP]],
    [
      ['inspect', 'sha5'],
      [keys.app, keys.other, keys.nameless],
    ],
    [['export', 'ap'], [APP]],
    [['export', APP, ''], []],
    [['rm', APP, 'ex'], [OTHER]],
    [['rmi', 'ex'], [OTHER]],
    [['tree', 'diff', APP, 'ex'], [OTHER]],
    [['ls', 'ap'], [APP]],
    [
      ['untag', ''],
      [APP, OTHER],
    ],
    [['tag', APP, 'app:'], [APP]],
    [['cp', 'ap'], [`${APP}:`]],
    [
      ['tree', 'rm', ''],
      [keys.tree, ...images],
    ],
    [['tree', 'path', 'deps'], [keys.tree]],
    [['lease', 'add', '--ttl', '1h', 'deps'], [keys.tree]],
    [['check', 'deps'], [keys.tree]],
    [['lease', 'rm', ''], [lease]],
    [['get', ''], [keys.blob]],
    [['blob', 'rm', 'sha512-'], [keys.blob]],
    [
      ['render', '--mode', ''],
      ['mount', 'link', 'reflink', 'copy'],
    ],
    [
      ['mount', ''],
      ['ls', keys.tree, ...images],
    ],
    [['umount', 'deps'], [keys.tree]],
    [['checkout', APP, '--mode=co'], ['--mode=copy']],
    [
      ['export', '--compress', ''],
      ['none', 'gzip', 'zstd'],
    ],
    [
      ['export', '--format', ''],
      ['aci', 'oci', 'docker', 'tar', 'erofs'],
    ],
    [['ls', '--format', ''], []],
    [['ls', '--sort', 's'], ['size']],
    [
      ['list', '--order', ''],
      ['asc', 'desc'],
    ],
    [['export', '--diff-from=ap'], [`--diff-from=${APP}`]],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['ls', '--f'],
      ['--filter', '--full', '--format'],
    ],
    [['--wor'], ['--workers']],
    [['--max-e'], []],
    [['--max-entries', '5', 'insp'], ['inspect']],
    [['--store', s.path('none'), 'inspect', ''], []],
    [['nothing', ''], []],
  ];
  for (const [words, found] of cases) {
    await t.test(words.join(' '), async () => assert.deepEqual((await offered(s, words)).toSorted(), found.toSorted()));
  }
  await t.test('of the store that is typed', async () => {
    const elsewhere = { env: { CAIRN_STORE: s.path('none') } };
    for (const store of [['--store', s.store], [`--store=${s.store}`]]) {
      const ran = await s.ok(['__complete', ...store, 'inspect', 'ap'], elsewhere);
      assert.equal(ran.stdout.toString(), `${APP}\n`);
    }
    assert.equal(fs.existsSync(s.path('none')), false, 'no store is made');
  });
});

test('whatever is wrong, a shell hears nothing of it', async (t) => {
  const s = new TestStore(t);
  s.write('file', 'x');
  fs.mkdirSync(s.path('dir'));
  s.write('dir/file', 'x');
  fs.mkdirSync(s.store);
  s.write('store/cairn.json', '{"format":99}');
  for (const store of [s.path('none'), s.path('file'), s.path('dir'), s.store]) {
    for (const words of [
      ['inspect', ''],
      ['lease', 'rm', ''],
      ['get', ''],
      ['--json', 'check', ''],
    ])
      assert.deepEqual(await offered(s, ['--store', store, ...words]), []);
  }
  assert.ok((await offered(s, [])).includes('import'), 'no word at all is an empty one');
  assert.deepEqual(fs.readdirSync(s.dir).toSorted(), ['dir', 'file', 'store']);
});

test('names that would mean something to a shell are not offered', async (t) => {
  const s = new TestStore(t);
  const labels = { version: '$(touch here)' };
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a', labels })]);
  assert.deepEqual(await offered(s, ['ls', 'ex']), []);
});

test('the command that shells ask is listed nowhere', async (t) => {
  const s = new TestStore(t);
  assert.doesNotMatch((await s.ok(['--help'])).stdout.toString(), /__/);
  assert.ok(!(await offered(s, [''])).some((word) => word.startsWith('_')));
});

/** Runs each script's function over lines, given as bash has split them. @returns what it replies to each */
function repliesOf(s: TestStore, lines: readonly (readonly string[])[]): string[][] {
  const script = lines.map((words) => {
    const quoted = ['cairn', ...words].map((word) => `'${word}'`).join(' ');
    const line = ['cairn', ...words].join(' ');
    return `COMP_WORDS=(${quoted}) COMP_CWORD=${words.length} COMP_LINE='${line}' COMP_POINT=${line.length}
_cairn; printf '%s\\n' "\${COMPREPLY[@]}" ===`;
  });
  const source = `source <(cairn completion bash)\ncomplete -p cairn >&2\n${script.join('\n')}`;
  const told = spawnSync('bash', ['--norc', '--noprofile', '-c', source], {
    encoding: 'utf8',
    cwd: s.path('layout'),
    env: { ...process.env, PATH: `${s.path('bin')}:${process.env['PATH']}`, CAIRN_STORE: s.store },
  });
  assert.equal(told.stderr, 'complete -F _cairn cairn\n');
  const replies = told.stdout.split('===\n').slice(0, -1);
  return replies.map((reply) => reply.split('\n').filter(Boolean));
}

test('bash completes', { skip: NONE_MISSING('bash') }, async (t) => {
  const { s, made } = await filled(t);
  const { keys, lease } = made;
  const cases: [words: string[], found: string[]][] = [
    [['im'], ['import', 'images']],
    [['tree', 'd'], ['diff']],
    [['inspect', 'ap'], [APP]],
    // Bash replaces what follows the last colon or equals sign.
    [['inspect', 'app', ':'], ['2.0']],
    [['inspect', 'app', ':', '2'], ['2.0']],
    [['inspect', 'app:', ''], []],
    [['inspect', 'example.com/other', ':', '1.0.0,os', '=', 'li'], ['linux,arch=amd64']],
    [['inspect', '"ap'], [APP]],
    [['tree', 'diff', 'app', ':', '2.0', 'ex'], [OTHER]],
    [['cp', 'ap'], [`${APP}:`]],
    [['tree', 'rm', 'deps'], [keys.tree]],
    [['inspect', keys.other.slice(0, -4)], [keys.other]],
    [['lease', 'rm', ''], [lease]],
    [['blob', 'rm', ''], [keys.blob]],
    [['render', '--mode', 're'], ['reflink']],
    [['render', '--mode', '=', 're'], ['reflink']],
    [['export', '--diff-from', '=', 'ap'], [APP]],
    [['import', '--files-from', 'oci'], ['oci-layout']],
    [['import', 'ind'], ['index.json']],
    [['inspect', './oci'], ['./oci-layout']],
    [['inspect', 'oci'], ['oci-layout']],
    [['checkout', 'app', ':', '2.0', 'bl'], ['blobs']],
    [['cat', 'app', ':', '2.0', ''], []],
    [['--store', s.path('none'), 'get', ''], []],
  ];
  const replies = repliesOf(
    s,
    cases.map(([words]) => words),
  );
  for (const [i, [words, found]] of cases.entries())
    assert.deepEqual(replies[i]?.toSorted(), found.toSorted(), words.join(' '));
});

test('the tables in the script for bash say what the program says', { skip: NONE_MISSING('bash') }, async (t) => {
  const { s } = await filled(t);
  // Where the tables do not know the answer, the script asks. That it hears it is what the test above shows.
  const asked = `#!/bin/sh\n[ "$1" = __complete ] && { echo asked; exit; }\nexec '${PROGRAM}' "$@"\n`;
  fs.rmSync(s.path('bin/cairn'));
  fs.writeFileSync(s.path('bin/cairn'), asked, { mode: 0o755 });
  const lines = COMMANDS.flatMap(({ name }) => [
    [name, '--'],
    [name, ''],
  ]);
  const withoutFiles = lines.filter(
    (line) => line[1] !== '' || !['import', 'put', 'backup'].includes(line[0] as string),
  );
  const replies = repliesOf(s, [[''], ...withoutFiles]);
  const each = [[''], ...withoutFiles].entries();
  let known = 0;
  for (const [i, words] of each) {
    if (replies[i]?.join() === 'asked') continue;
    const answer = await complete(['--store', s.store, ...words], COMMANDS);
    assert.deepEqual(replies[i]?.toSorted(), answer.toSorted(), words.join(' '));
    known++;
  }
  assert.ok(known > COMMANDS.length, 'all options are in the tables');
});

test('fish completes', { skip: NONE_MISSING('fish') }, async (t) => {
  const { s, made } = await filled(t);
  const { keys } = made;
  const ask = (line: string): string[] =>
    execFileSync('fish', ['-N', '-c', `cairn completion fish | source; complete -C '${line}'`], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${s.path('bin')}:${process.env['PATH']}`, CAIRN_STORE: s.store },
    })
      .split('\n')
      .filter(Boolean);
  assert.deepEqual(ask('cairn impo'), ['import\ttake images in']);
  assert.deepEqual(ask('cairn inspect app:'), [APP]);
  assert.deepEqual(ask('cairn render --mode=re'), ['--mode=reflink']);
  assert.deepEqual(ask('cairn tree rm deps'), [keys.tree]);
  assert.deepEqual(ask('cairn export --compress g'), ['gzip']);
});

test('zsh completes', { skip: NONE_MISSING('zsh') }, async (t) => {
  const { s, made } = await filled(t);
  const { keys } = made;
  // What completion would add is printed instead, as there is no line editor.
  const stubs =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: zsh's own
    'compdef() { :; }; compadd() { shift $(( ${@[(i)--]} )); print -l -- "$@"; }; compset() { :; }';
  const ask = (...words: string[]): string[] =>
    execFileSync(
      'zsh',
      [
        '-f',
        '-c',
        `${stubs}; source <(cairn completion zsh); words=(cairn "$@"); CURRENT=$#words; _cairn`,
        'zsh',
        ...words,
      ],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${s.path('bin')}:${process.env['PATH']}`, CAIRN_STORE: s.store },
      },
    )
      .split('\n')
      .filter(Boolean);
  assert.deepEqual(ask('inspect', 'app:'), [APP]);
  assert.deepEqual(ask('tree', 'rm', 'deps'), [keys.tree]);
  assert.deepEqual(ask('render', '--mode', ''), ['link', 'reflink', 'copy']);
});
