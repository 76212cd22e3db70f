/** The words by which people describe pods: rkt's own cases of `parseApps`, and what each option does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { whyOnce } from '../../cli/config/once.js';
import { CairnError } from '../../engine/core/errors.js';
import { BARE, OF_APP, OF_EITHER, OF_POD } from '../../engine/pod/app-options.js';
import { parseAppWords } from '../../engine/pod/app-words.js';
import type { PodRequest } from '../../engine/pod/request.js';

function parse(line: string): PodRequest {
  return parseAppWords(line.split(' '));
}

function refuses(words: string | readonly string[], message: RegExp): void {
  assert.throws(
    () => parseAppWords(typeof words === 'string' ? words.split(' ') : words),
    (error) => {
      assert.ok(error instanceof CairnError, String(error));
      assert.equal(error.code, 'ERR_USAGE');
      assert.match(error.message, message);
      return true;
    },
  );
}

describe("rkt's cases", () => {
  const cases: Record<string, [image: string, args?: string[]][]> = {
    'example.com/foo example.com/bar -- --help --- example.com/baz -- --verbose': [
      ['example.com/foo'],
      ['example.com/bar', ['--help']],
      ['example.com/baz', ['--verbose']],
    ],
    'example.com/foo --- example.com/bar --- example.com/baz ---': [
      ['example.com/foo'],
      ['example.com/bar'],
      ['example.com/baz'],
    ],
    'example.com/foo example.com/bar example.com/baz': [['example.com/foo'], ['example.com/bar'], ['example.com/baz']],
    'example.com/foo  example.com/bar': [['example.com/foo'], ['example.com/bar']],
  };
  for (const [line, apps] of Object.entries(cases))
    test(line, () =>
      assert.deepEqual(
        parse(line).apps.map(({ image, args }) => (args ? [image, args] : [image])),
        apps,
      ),
    );
});

test('an option belongs to the image before it', () => {
  const { apps } = parse('a --user 1 --name=x b --user=2 --working-dir / -- --user 3 --- --group g c');
  assert.deepEqual(apps, [
    { image: 'a', user: '1', name: 'x' },
    { image: 'b', user: '2', workingDirectory: '/', args: ['--user', '3'], group: 'g' },
    { image: 'c' },
  ]);
});

test('arguments are taken as they are, empty ones and dashes too', () => {
  assert.deepEqual(parseAppWords(['a', '--', '', '--', '-', '---', 'b']).apps, [
    { image: 'a', args: ['', '--', '-'] },
    { image: 'b' },
  ]);
  assert.deepEqual(parse('a --').apps, [{ image: 'a', args: [] }]);
});

test('each option does what it says', () => {
  const words = [
    ...['--volume', 'data,kind=empty', '--mount', 'volume=data,target=/all', '--set-env', 'ALL=1'],
    ...['--isolator', 'resource/memory,limit=4G', '--annotation', 'pod=1', '--user-annotation', 'A note=2'],
    ...['--user-label', 'Label=3', '--port', 'http:8080', 'app', '--exec', '/bin/sh', '--group', '5'],
    ...['--supplementary-gids', '1,2', '--supplementary-gids=3', '--readonly-rootfs', '--environment', 'A=b=c'],
    ...['--mount', 'volume=data,target=/own', '--mnt-volume', 'name=own,kind=empty,target=/mine'],
    ...['--mount-point', 'data,path=/p', '--port', 'http,protocol=tcp,port=80', '--port', 'http:127.0.0.1:81'],
    ...['--isolator', 'example.com/x,1', '--memory', '1G', '--memory=2G', '--cpu', '1', '--cpu-shares', '5'],
    ...['--oom-score-adj', '6', '--caps-retain', 'CAP_KILL', '--seccomp', 'mode=remove,chmod'],
    ...['--annotation', 'app=1', '--user-annotation', 'a=', '--user-label', 'b=c'],
  ];
  const empty = { kind: 'empty', mode: 0o755, uid: 0, gid: 0 } as const;
  assert.deepEqual(parseAppWords(words), {
    volumes: [{ ...empty, name: 'data' }],
    mounts: [{ volume: 'data', path: '/all' }],
    environment: { ALL: '1' },
    isolators: [{ name: 'resource/memory', value: { limit: '4G' } }],
    annotations: { pod: '1' },
    userAnnotations: { 'A note': '2' },
    userLabels: { Label: '3' },
    ports: [
      { name: 'http', hostPort: 8080 },
      { name: 'http', hostPort: 81, hostIP: '127.0.0.1' },
    ],
    apps: [
      {
        image: 'app',
        exec: ['/bin/sh'],
        group: '5',
        supplementaryGIDs: [1, 2, 3],
        readOnlyRootFS: true,
        environment: { A: 'b=c' },
        mounts: [
          { volume: 'data', path: '/own' },
          { volume: 'own', path: '/mine', appVolume: { ...empty, name: 'own' } },
        ],
        mountPoints: [{ name: 'data', path: '/p', readOnly: false }],
        ports: [{ name: 'http', protocol: 'tcp', port: 80, count: 1, socketActivated: false }],
        isolators: [
          { name: 'example.com/x', value: 1 },
          { name: 'resource/memory', value: { request: '2G', limit: '2G' } },
          { name: 'resource/cpu', value: { request: '1', limit: '1' } },
          { name: 'os/linux/cpu-shares', value: 5 },
          { name: 'os/linux/oom-score-adj', value: 6 },
          { name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_KILL'] } },
          { name: 'os/linux/seccomp-remove-set', value: { set: ['chmod'] } },
        ],
        annotations: { app: '1' },
        userAnnotations: { a: '' },
        userLabels: { b: 'c' },
      },
    ],
  });
});

test('a flag may have a value, and an image may follow it', () => {
  assert.deepEqual(
    parse('a --readonly-rootfs b --readonly-rootfs=0 c --readonly-rootfs true d --readonly-rootfs').apps,
    [
      { image: 'a', readOnlyRootFS: true },
      { image: 'b', readOnlyRootFS: false },
      { image: 'c', readOnlyRootFS: true },
      { image: 'd', readOnlyRootFS: true },
    ],
  );
});

describe('what does not fit is refused', () => {
  const cases: Record<string, RegExp> = {
    '-- args': /^an image is required before any app arguments$/,
    'a -- b --- -- c': /^only one set of app arguments allowed per image$/,
    'a --exec x --exec y': /^--exec specified multiple times for the same image$/,
    'a --caps-retain CAP_A --caps-remove CAP_B': /^cannot use both --caps-retain and --caps-remove on the same image$/,
    'a --mount volume=x,target=/y': /^dangling mount point "\/y": volume "x" not found$/,
    '--mount volume=x,target=/y a': /^dangling mount point "\/y": volume "x" not found$/,
    'a --environment A': /^invalid format of --environment flag "A"$/,
    'a --annotation A': /^invalid format of --annotation flag "A"$/,
    'a --user-label __proto__=1': /^invalid format of --user-label flag/,
    'a --supplementary-gids 1,x': /^--supplementary-gids must be integers: "1,x"$/,
    'a --readonly-rootfs=maybe': /neither true nor false: "maybe"/,
    'a --user': /^--user needs a value$/,
    'a --user=': /^--user must not be empty$/,
    'a --usr 1': /^unknown option '--usr'/,
    'a --constructor 1': /^unknown option '--constructor'/,
    'a -user 1': /^unknown option '-user'/,
    '--port http,port=80 a': /^--port NAME,port=… must follow an image$/,
    '--mnt-volume name=a,kind=empty,target=/a a': /^--mnt-volume must follow an image$/,
  };
  for (const [line, message] of Object.entries(cases)) test(line, () => refuses(line, message));
  for (const name of Object.keys(OF_APP))
    test(`--${name} before any image`, () =>
      refuses([`--${name}`, 'x'], new RegExp(`^--${name} must follow an image$`)));
});

test('no file can give an option of images', () => {
  const names = Object.keys({ ...OF_APP, ...OF_EITHER, ...OF_POD });
  for (const name of names) assert.notEqual(whyOnce(name), undefined, name);
  for (const name of Object.keys(BARE)) assert.ok(names.includes(name));
});

test('a hundred thousand words are read in one go', () => {
  const mounts = Array.from({ length: 100_000 }, () => '--environment=A=b');
  assert.deepEqual(parseAppWords(['a', ...mounts]).apps, [{ image: 'a', environment: { A: 'b' } }]);
});
