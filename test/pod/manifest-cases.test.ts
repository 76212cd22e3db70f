/** The pod manifests of rkt's own tests, each as a bundle, and run for real where the machine can. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import type { RuntimeConfig } from '../../engine/image/runtime/config.js';
import type { Bundle } from '../../engine/pod/bundle/options.js';
import { configOf, type PodSpec, PodTests, sh } from '../fixtures/pods.js';
import { NO_RUNTIME, type RanBundle, runBundle } from '../fixtures/runtime.js';

const pods = new PodTests();
before(() => pods.open());
after(() => pods.close());

interface Case {
  name: string;
  /** @param host a directory of the host, where the case wants one */
  spec: (host: string) => PodSpec;
  /** What the configuration says. */
  config?: (config: RuntimeConfig, host: string) => void;
  /** What it does when it is run. */
  prints?: RegExp | string;
  fails?: RegExp;
  /** The content of `file` in the host's directory afterwards. */
  leaves?: string;
}

const WRITE_READ = (file: string, text: string): string[] => sh(`echo -n ${text} > ${file} && cat ${file}`);
const EMPTY = { name: 'dir1', kind: 'empty', mode: '0755', uid: 0, gid: 0 };
const STRANGE = { name: 'dir1', kind: 'empty', mode: '0123', uid: 9991, gid: 9992 };
const point = (readOnly: boolean, path = '/dir1') => ({ name: 'dir1', path, readOnly });
const hostVolume = (source: string, more: object = {}) => ({ name: 'dir1', kind: 'host', source, ...more });
const STAT = sh('stat -c "%A %a %u %g" /dir1');
const REFUSED = /Read-only file system/;

function mountAt(config: RuntimeConfig, path: string): RuntimeConfig['mounts'][number] {
  const found = config.mounts.findLast(({ destination }) => destination === path);
  assert.ok(found, `nothing is mounted at ${path}`);
  return found;
}

function isReadOnly(config: RuntimeConfig, path: string, expected: boolean): void {
  const { options } = mountAt(config, path);
  assert.equal(options.includes('ro'), expected, options.join());
}

const FILES: Case[] = [
  {
    name: 'special characters in arguments',
    spec: () => ({ app: { exec: ['/bin/busybox', 'echo', '\n\'"$'] } }),
    prints: '\n\'"$\n',
  },
  {
    name: 'working directory',
    spec: () => ({ app: { exec: sh('pwd'), workingDirectory: '/dir1' } }),
    prints: '/dir1\n',
  },
  { name: 'read', spec: () => ({ app: { exec: ['cat', '/dir1/file'] } }), prints: 'dir1' },
  {
    name: 'read from a read-only root',
    spec: () => ({ app: { exec: ['cat', '/dir1/file'] }, runtime: { readOnlyRootFS: true } }),
    config: ({ root }) => assert.equal(root.readonly, true),
    prints: 'dir1',
  },
  {
    name: 'write to a read-only root',
    spec: () => ({ app: { exec: WRITE_READ('/dir1/file', 'x') }, runtime: { readOnlyRootFS: true } }),
    fails: REFUSED,
  },
];

const EMPTY_VOLUMES: Case[] = [false, true].flatMap((readOnlyRootFS): Case[] => [
  {
    name: `empty volume, ${readOnlyRootFS ? 'read-only' : 'usual'} root: written and read`,
    spec: () => ({
      app: { exec: WRITE_READ('/dir1/file', 'empty:foo'), mountPoints: [point(false)] },
      runtime: { readOnlyRootFS },
      volumes: [EMPTY],
    }),
    config: (config) => isReadOnly(config, '/dir1', false),
    prints: 'empty:foo',
  },
  {
    name: `empty volume, ${readOnlyRootFS ? 'read-only' : 'usual'} root: mode and owner`,
    spec: () => ({ app: { exec: STAT, mountPoints: [point(false)] }, runtime: { readOnlyRootFS }, volumes: [STRANGE] }),
    config: (config) => {
      const { mode, uid, gid } = fs.statSync(mountAt(config, '/dir1').source);
      assert.deepEqual([mode & 0o7777, uid, gid], [0o123, 9991, 9992]);
    },
    prints: 'd--x-w--wx 123 9991 9992\n',
  },
]);

/** [what the app's mount point says, the image's own, the volume's] → whether it is read-only. */
const PRECEDENCE: [point: boolean | undefined, own: boolean | undefined, volume: boolean | undefined, ro: boolean][] = [
  [false, undefined, undefined, false],
  [true, undefined, undefined, true],
  [false, false, true, true],
  [true, undefined, false, false],
  [false, true, undefined, false],
  [true, false, undefined, true],
  [undefined, false, undefined, false],
  [undefined, true, undefined, true],
  [undefined, true, false, false],
  [undefined, false, true, true],
];

const HOST_VOLUMES: Case[] = PRECEDENCE.flatMap(([pointSays, imageSays, volumeSays, ro]): Case[] =>
  [false, true].map((readOnlyRootFS): Case => {
    const exec = WRITE_READ('/dir1/file', 'host:foo');
    const say = (value: boolean | undefined): string => (value === undefined ? '-' : value ? 'ro' : 'rw');
    return {
      name: `host volume: point ${say(pointSays)}, image ${say(imageSays)}, volume ${say(volumeSays)}, root ${say(readOnlyRootFS)}`,
      spec: (host) => ({
        ...(pointSays === undefined ? {} : { app: { exec, mountPoints: [point(pointSays)] } }),
        ...(imageSays === undefined ? {} : { imageApp: { exec, mountPoints: [point(imageSays)] } }),
        runtime: { readOnlyRootFS },
        volumes: [hostVolume(host, volumeSays === undefined ? {} : { readOnly: volumeSays })],
      }),
      config: (config, host) => {
        isReadOnly(config, '/dir1', ro);
        assert.equal(mountAt(config, '/dir1').source, host);
      },
      ...(ro ? { fails: REFUSED, leaves: '' } : { prints: 'host:foo', leaves: 'host:foo' }),
    };
  }),
);

const OVERRIDES: Case[] = [
  {
    name: "the pod's mount point is elsewhere than the image's",
    spec: (host) => ({
      app: { exec: WRITE_READ('/dir2/file', 'host:bar'), mountPoints: [point(false, '/dir2')] },
      imageApp: { mountPoints: [point(true)] },
      volumes: [hostVolume(host)],
    }),
    prints: 'host:bar',
    leaves: 'host:bar',
  },
  {
    name: 'a mount without a mount point, at a place that is not there',
    spec: (host) => ({
      app: { exec: sh('stat -c "%a %u" /a/b && cat /a/b/c/file') },
      runtime: { mounts: [{ volume: 'dir1', path: '/a/b/c' }] },
      volumes: [hostVolume(host)],
    }),
    prints: '755 0\n',
  },
  {
    name: 'the volume of a mount comes before the one of the pod',
    spec: (host) => ({
      app: { exec: WRITE_READ('/dir1/file', 'own') },
      runtime: { mounts: [{ volume: 'dir1', path: '/dir1', appVolume: hostVolume(host) }] },
      volumes: [{ ...hostVolume('/nowhere'), readOnly: true }],
    }),
    prints: 'own',
    leaves: 'own',
  },
  {
    name: 'one mount twice is one mount',
    spec: (host) => ({
      app: { exec: ['cat', '/mnt/file'] },
      runtime: {
        mounts: [
          { volume: 'dir1', path: '/mnt' },
          { volume: 'dir1', path: '/mnt/' },
        ],
      },
      volumes: [hostVolume(host)],
    }),
    prints: '',
  },
];

const RETAIN = (...set: string[]) => [{ name: 'os/linux/capabilities-retain-set', value: { set } }];
const REMOVE = (...set: string[]) => [{ name: 'os/linux/capabilities-remove-set', value: { set } }];
const LIMIT = (name: string, limit: string) => [{ name, value: { request: limit, limit } }];
const BOUNDING = sh('grep CapBnd /proc/self/status');
const DEFAULT_BOUNDING = '00000000a80425fb';
const cgroup = (controller: string, v1: string, v2: string): string[] =>
  sh(`cat /sys/fs/cgroup/${controller}/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`);

const ISOLATORS: Case[] = [
  {
    name: 'processor time',
    spec: () => ({
      app: { exec: cgroup('cpu', 'cpu.cfs_quota_us', 'cpu.max'), isolators: LIMIT('resource/cpu', '100m') },
    }),
    config: ({ linux }) => assert.deepEqual(linux.resources?.cpu, { quota: 10_000, period: 100_000 }),
    prints: /^10000\b/,
  },
  {
    name: 'memory',
    spec: () => ({
      app: {
        exec: cgroup('memory', 'memory.limit_in_bytes', 'memory.max'),
        isolators: LIMIT('resource/memory', '4194304'),
      },
    }),
    config: ({ linux }) => assert.deepEqual(linux.resources?.memory, { limit: 4_194_304, reservation: 4_194_304 }),
    prints: /^4194304\n/,
  },
  {
    name: 'out-of-memory score',
    spec: () => ({
      app: { exec: ['cat', '/proc/self/oom_score_adj'], isolators: [{ name: 'os/linux/oom-score-adj', value: 99 }] },
    }),
    prints: '99\n',
  },
  {
    name: 'the default capabilities',
    spec: () => ({ app: { exec: BOUNDING }, imageApp: { isolators: RETAIN('CAP_NET_ADMIN') } }),
    prints: `CapBnd:\t${DEFAULT_BOUNDING}\n`,
  },
  {
    name: 'capabilities retained',
    spec: () => ({
      app: { exec: BOUNDING, isolators: [...RETAIN('CAP_NET_ADMIN'), ...RETAIN('CAP_CHOWN')] },
      imageApp: { isolators: RETAIN('CAP_NET_BIND_SERVICE') },
    }),
    prints: 'CapBnd:\t0000000000001001\n',
  },
  {
    name: 'capabilities removed',
    spec: () => ({ app: { exec: BOUNDING, isolators: REMOVE('CAP_CHOWN', 'CAP_SYS_ADMIN') } }),
    prints: 'CapBnd:\t00000000a80425fa\n',
  },
  {
    name: 'all capabilities removed',
    spec: () => ({
      app: {
        exec: BOUNDING,
        isolators: REMOVE(
          ...['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_KILL', 'CAP_MKNOD'],
          ...['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETFCAP'],
          'CAP_SYS_CHROOT',
        ),
      },
    }),
    prints: 'CapBnd:\t0000000000000000\n',
  },
];

const NNP = sh('grep NoNewPrivs /proc/self/status');
const noNewPrivileges = (...values: boolean[]) =>
  values.map((value) => ({ name: 'os/linux/no-new-privileges', value }));
const seccomp = (kind: 'retain' | 'remove', set: string[], errno = '') => [
  { name: `os/linux/seccomp-${kind}-set`, value: { set, errno } },
];
const USER = { user: '1000', group: '100' };

const PRIVILEGES: Case[] = [
  ...[
    { isolators: noNewPrivileges(true), expected: 1 },
    { isolators: noNewPrivileges(true), expected: 1, ...USER },
    { isolators: noNewPrivileges(false), expected: 0 },
    { isolators: [...noNewPrivileges(false), ...seccomp('retain', ['@appc.io/all'])], expected: 0, ...USER },
    { isolators: noNewPrivileges(false, true), expected: 1 },
    { isolators: noNewPrivileges(false, true), expected: 1, ...USER },
    { isolators: [], expected: 0 },
    { isolators: [], expected: 1, ...USER },
  ].map(
    ({ expected, ...app }, i): Case => ({
      name: `no new privileges, ${i}`,
      spec: () => ({ app: { exec: NNP, ...app } }),
      config: ({ process }) => assert.equal(process.noNewPrivileges, expected === 1),
      prints: `NoNewPrivs:\t${expected}\n`,
    }),
  ),
  ...[
    { set: ['@appc.io/all'], kind: 'retain' as const },
    { set: ['@appc.io/empty'], kind: 'remove' as const },
    { set: ['@rkt/default-blacklist'], kind: 'remove' as const },
    { set: ['reboot'], kind: 'remove' as const },
    { set: ['@rkt/default-whitelist'], kind: 'retain' as const },
    { set: ['@docker/default-whitelist'], kind: 'retain' as const },
    { set: ['reboot'], kind: 'remove' as const, group: '100' },
    { set: ['reboot'], kind: 'remove' as const, user: '1000' },
  ].map(
    ({ set, kind, ...app }): Case => ({
      name: `seccomp, ${kind} ${set} ${Object.keys(app)}`,
      spec: () => ({ app: { exec: sh('cat /dir1/file'), isolators: seccomp(kind, set), ...app } }),
      prints: 'dir1',
    }),
  ),
  {
    name: 'seccomp, a call removed, with an error of its own',
    spec: () => ({
      app: { exec: sh('mkdir /tmp/x'), isolators: seccomp('remove', ['mkdir', 'mkdirat'], 'EXFULL') },
    }),
    fails: /Exchange full/,
  },
  {
    name: 'seccomp, a call removed, and the app that makes it ends',
    spec: () => ({
      app: { exec: ['/bin/busybox', 'mkdir', '/tmp/x'], isolators: seccomp('remove', ['mkdir', 'mkdirat']) },
    }),
    fails: /^$/,
  },
  {
    name: 'seccomp, few calls retained',
    spec: () => ({
      app: {
        exec: ['/bin/busybox', 'true'],
        isolators: seccomp('retain', [
          ...['arch_prctl', 'brk', 'getrandom', 'getuid', 'mprotect', 'prctl', 'prlimit64', 'readlink', 'readlinkat'],
          ...['rseq', 'set_robust_list', 'set_tid_address', 'geteuid', 'getgid', 'getegid', 'setgid', 'setuid'],
        ]),
      },
    }),
    config: ({ process }) => assert.equal(process.noNewPrivileges, true),
    prints: '',
  },
  {
    name: 'the default filter hides new namespaces, and its errors are of older kernels',
    spec: () => ({ app: { exec: sh('unshare -m true 2>&1; echo $?') } }),
    prints: /Operation not permitted\n1\n/,
  },
];

const USERS: Case[] = [
  ...[
    ['1000', '100', '1000 100'],
    ['user1', 'group1', '1000 100'],
    ['root', 'root', '0 0'],
    ['/etc/passwd', '/etc/group', '0 0'],
    ['/dir2/file', '/dir2', '5 8'],
    ['200', 'group1', '200 100'],
  ].map(
    ([user, group, expected]): Case => ({
      name: `user ${user}, group ${group}`,
      spec: () => ({ app: { exec: sh('echo $(id -u) $(id -g)'), user, group } }),
      config: ({ process }) => assert.equal(`${process.user.uid} ${process.user.gid}`, expected),
      prints: `${expected}\n`,
    }),
  ),
  {
    name: 'supplementary groups',
    spec: () => ({ app: { exec: sh('id -G'), supplementaryGIDs: [400, 500, 1200] } }),
    prints: '0 400 500 1200\n',
  },
];

const VARIABLES: Case[] = [
  {
    name: 'the environment',
    spec: () => ({ app: { exec: sh('env | grep -v PWD | sort'), environment: [{ name: 'HOME', value: '/x' }] } }),
    prints:
      'AC_APP_NAME=inspect\nHOME=/x\nLOGNAME=root\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nSHELL=/bin/sh\nSHLVL=1\nUSER=root\ncontainer=cairn\n',
  },
  {
    name: 'files that images lack, and paths of the host',
    spec: () => ({
      app: {
        exec: sh(
          'cat /etc/hostname; grep -c localhost /etc/hosts; head -c1 /proc/kcore | wc -c; (echo h > /proc/sys/kernel/core_pattern) 2>&1; ls -d /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/pts /dev/shm /sys/kernel',
        ),
      },
    }),
    prints: /^cairn-6733c088.*\n2\n0\n.*Read-only file system\n(\/.*\n){10}$/,
  },
];

const DOCKER_VOLUMES: Case[] = [
  ['/dir1', '/dir1', 'dir1'],
  ['/dir2', '/dir2', 'dir2'],
  ['/dir1/link_rel_dir2', '/dir2', 'dir2'],
  ['/dir1/link_abs_dir2', '/dir2', 'dir2'],
].map(
  ([path, real, expected]): Case => ({
    name: `a volume of Docker at ${path} begins with what is there`,
    spec: () => ({
      app: {
        exec: sh(`cat ${path}/file; stat -c ' %a %u %g' ${real}`),
        mountPoints: [{ name: 'mydir', path, readOnly: false }],
      },
    }),
    config: (config) => {
      const { source } = mountAt(config, real as string);
      assert.equal(fs.readFileSync(join(source, 'file'), 'utf8'), expected);
    },
    prints: `${expected} ${real === '/dir2' ? '750 7 8' : '755 0 0'}\n`,
  }),
);

const CASES = [
  ...FILES,
  ...EMPTY_VOLUMES,
  ...HOST_VOLUMES,
  ...OVERRIDES,
  ...ISOLATORS,
  ...PRIVILEGES,
  ...USERS,
  ...VARIABLES,
  ...DOCKER_VOLUMES,
];

for (const each of CASES) {
  test(each.name, async (t) => {
    const host = pods.hostDirectory({ file: '' });
    const [bundle] = (await pods.bundle(each.spec(host))) as [Bundle];
    each.config?.(configOf(bundle), host);
    if (NO_RUNTIME !== false) {
      t.diagnostic(`not run: ${NO_RUNTIME}`);
      return;
    }
    check(each, await runBundle(bundle.dir));
    if (each.leaves !== undefined) assert.equal(fs.readFileSync(join(host, 'file'), 'utf8'), each.leaves);
  });
}

function check({ prints, fails }: Case, { code, stdout, stderr }: RanBundle): void {
  if (fails !== undefined) {
    assert.notEqual(code, 0, stdout);
    assert.match(stderr, fails);
    return;
  }
  assert.equal(code, 0, `${code}: ${stderr}`);
  if (prints instanceof RegExp) assert.match(stdout, prints);
  else if (prints !== undefined) assert.equal(stdout, prints);
}

const REFUSALS: [name: string, spec: PodSpec, code: string, entry: string, message: RegExp][] = [
  ['a user without a line', { app: { user: 'user2' } }, 'ERR_NOT_FOUND', 'app.user', /"user2" user not found$/],
  ['a group without a line', { app: { group: 'group2' } }, 'ERR_NOT_FOUND', 'app.group', /"group2" group not found$/],
  [
    'a user whose line is malformed',
    { app: { user: 'broken' } },
    'ERR_NOT_FOUND',
    'app.user',
    /"broken" user not found \(\/etc\/passwd, line 2: expected at least 7 fields, got 2\)/,
  ],
  [
    'a group whose line is malformed',
    { app: { group: 'broken' } },
    'ERR_NOT_FOUND',
    'app.group',
    /expected at least 4 fields, got 1/,
  ],
  ['a path without a file', { app: { user: '/etc/nofile' } }, 'ERR_NOT_FOUND', 'app.user', /no such file or directory/],
  [
    'the same for a group',
    { app: { group: '/etc/nofile' } },
    'ERR_NOT_FOUND',
    'app.group',
    /no such file or directory/,
  ],
  ['a negative user', { app: { user: '-1' } }, 'ERR_BAD_MANIFEST', 'app.user', /invalid uid: "-1"/],
  ['the number that means nobody', { app: { user: '4294967295' } }, 'ERR_BAD_MANIFEST', 'app.user', /invalid uid/],
  ['a number beyond ids', { app: { group: '4294967296' } }, 'ERR_BAD_MANIFEST', 'app.group', /invalid gid/],
  ['no command', { app: { exec: [] } }, 'ERR_BAD_MANIFEST', 'app.exec', /app has no executable/],
  [
    'a command that is nowhere',
    { app: { exec: ['nothing'] } },
    'ERR_NOT_FOUND',
    'app.exec',
    /unable to find "nothing" in "\/:\/bin:\/usr\/bin"/,
  ],
  [
    'a working directory that is not there',
    { app: { workingDirectory: '/none' } },
    'ERR_NOT_FOUND',
    'app.workingDirectory',
    /"\/none" is not there/,
  ],
  [
    'a working directory that is a file',
    { app: { workingDirectory: '/dir1/file' } },
    'ERR_BAD_MANIFEST',
    'app.workingDirectory',
    /is no directory/,
  ],
  [
    'a mount of a volume that is not there',
    { app: {}, runtime: { mounts: [{ volume: 'none', path: '/x' }] } },
    'ERR_BAD_MANIFEST',
    'mounts[0].volume',
    /could not find volume "none"/,
  ],
  [
    'capabilities retained and removed',
    { app: { isolators: [...RETAIN('CAP_CHOWN'), ...REMOVE('CAP_KILL')] } },
    'ERR_BAD_MANIFEST',
    'app.isolators[1].value',
    /cannot have both os\/linux\/capabilities-retain-set and os\/linux\/capabilities-remove-set/,
  ],
  [
    'a source that is not there',
    { app: { mountPoints: [point(false)] }, volumes: [hostVolume('/this/directory/does/not/exist')] },
    'ERR_NOT_FOUND',
    'app.mountPoints[0]',
    /the source of the volume is not there: \/this/,
  ],
  ['neither pod nor image has an app', {}, 'ERR_BAD_MANIFEST', 'app', /neither the pod manifest nor the image/],
];

for (const [name, spec, code, entry, message] of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const before = fs.readdirSync(pods.dir).length;
    await assert.rejects(pods.bundle(spec), (error: Error) => {
      assert.ok(isCairnError(error), error.stack);
      assert.equal(error.code, code);
      assert.equal(error.entry, `app inspect: ${entry}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(fs.readdirSync(pods.dir).length, before, 'nothing is left');
  });
}
