/** What isolators, environments and users of images mean to an OCI runtime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import { parseConfig } from '../../engine/image/oci/config.js';
import { harmless, imageAnnotations, portAnnotation } from '../../engine/image/runtime/annotations.js';
import { fieldsOf } from '../../engine/image/runtime/app-field.js';
import { appEnvironment, imageEnvironment } from '../../engine/image/runtime/environment.js';
import { type Isolation, isolationOf } from '../../engine/image/runtime/isolation.js';
import { volumeMountsOf } from '../../engine/image/runtime/mounts.js';
import { amountOf } from '../../engine/image/runtime/quantity.js';
import { findGroup, findUser, groupsWith, userNumbered } from '../../engine/image/runtime/users.js';
import { writeConfig } from '../../engine/image/runtime/write-config.js';

const at = fieldsOf('web');
type Value = Parameters<typeof at>[1];
type Listed = [name: string, value: Value][];

function isolation(app: Listed, more: { pod?: Listed; uid?: number; hasCgroups?: boolean } = {}): Isolation {
  const list = (all: Listed) => all.map(([name, value]) => ({ name, value: value ?? null }));
  const { pod = [], uid = 0, hasCgroups = true } = more;
  return isolationOf({ app: list(app), pod: list(pod), uid, architecture: 'amd64', hasCgroups, at });
}

function refusal(work: () => unknown): { code: string; entry: string | undefined; message: string } {
  try {
    work();
  } catch (error) {
    assert.ok(isCairnError(error));
    return { code: error.code, entry: error.entry, message: error.message };
  }
  throw new Error('not refused');
}

test('amounts are exact, and rounded up', () => {
  for (const [text, power, expected] of [
    ['100m', -3, 100],
    ['0.1', -3, 100],
    ['1', -3, 1000],
    ['1.0001', -3, 1001],
    ['4194304', 0, 4_194_304],
    ['128974848', 0, 128_974_848],
    ['125952Ki', 0, 128_974_848],
    ['123Mi', 0, 128_974_848],
    ['1.5Gi', 0, 1_610_612_736],
    ['1e3', 0, 1000],
    ['12E3', 0, 12_000],
    ['1k', 0, 1000],
    ['1K', 0, 1000],
    ['1n', 0, 1],
    ['100u', 0, 1],
    ['+2', 0, 2],
    ['.5', 0, 1],
  ] as const) {
    assert.equal(amountOf(at('x', text), power), expected, text);
  }
});

test('absurd amounts are refused at once', () => {
  for (const text of ['0', '-1', '1e999999999', '9'.repeat(100_000), '1E', '1Ei', '10e30', 'x', '', '1e-999999999']) {
    assert.equal(refusal(() => amountOf(at('x', text), 0)).code, 'ERR_BAD_MANIFEST', text.slice(0, 20));
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (amount) => {
      assert.equal(amountOf(at('x', `${amount}m`), -3), amount);
      assert.equal(amountOf(at('x', `${amount}`), 0), amount);
    }),
  );
});

test('processor time that is less than the kernel counts in a period has a longer period', () => {
  const quota = (limit: string) => isolation([['resource/cpu', { limit }]]).resources.cpu;
  assert.deepEqual(quota('250m'), { quota: 25_000, period: 100_000 });
  assert.deepEqual(quota('2'), { quota: 200_000, period: 100_000 });
  assert.deepEqual(quota('10m'), { quota: 1000, period: 100_000 });
  assert.deepEqual(quota('1m'), { quota: 1000, period: 1_000_000 });
});

test('an app gets no more than its pod', () => {
  const { resources } = isolation(
    [
      ['resource/cpu', { limit: '2' }],
      ['resource/memory', { limit: '1Gi', request: '2Gi' }],
      ['os/linux/cpu-shares', 512],
    ],
    { pod: [['resource/cpu', { limit: '500m' }]] },
  );
  assert.deepEqual(resources.cpu, { shares: 512, quota: 50_000, period: 100_000 });
  assert.deepEqual(resources.memory, { limit: 2 ** 30, reservation: 2 ** 30 });
  assert.deepEqual(isolation([], { pod: [['resource/memory', { limit: '1k' }]] }).resources.memory, { limit: 1000 });
});

test('isolators that nothing keeps are told, those that need control groups where there are none', () => {
  const app: Listed = [
    ['resource/block-iops', { default: true, limit: '10' }],
    ['resource/memory', { limit: '1Gi' }],
    ['example.com/odd', null],
    ['os/linux/oom-score-adj', 5],
  ];
  const kept = isolation(app);
  assert.deepEqual(kept.enforced, ['resource/memory', 'os/linux/oom-score-adj']);
  assert.deepEqual(kept.ignored, ['resource/block-iops', 'example.com/odd']);
  const rootless = isolation(app, { hasCgroups: false });
  assert.deepEqual(rootless.ignored, ['resource/block-iops', 'resource/memory', 'example.com/odd']);
  assert.deepEqual(rootless.resources, {});
});

test('labels and profiles: those of the app before those of the pod', () => {
  const context = (type: string) => ({ user: 'system_u', role: 'system_r', type, level: 's0:c1,c2' });
  const both = isolation([['os/linux/selinux-context', context('app_t')]], {
    pod: [
      ['os/linux/selinux-context', context('pod_t')],
      ['os/linux/apparmor-profile', { profile: 'pod-default' }],
    ],
  });
  assert.equal(both.selinuxLabel, 'system_u:system_r:app_t:s0:c1,c2');
  assert.equal(both.apparmorProfile, 'pod-default');
  assert.equal(isolation([['os/linux/apparmor-profile', 'plain']]).apparmorProfile, 'plain');
});

test("a pod sets its own kernel's settings, and none of the host's", () => {
  const sysctl = (settings: Record<string, string>) => isolation([], { pod: [['os/unix/sysctl', settings]] }).sysctl;
  assert.deepEqual(sysctl({ 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '5' }), {
    'net.ipv4.ip_forward': '1',
    'kernel.shmmax': '5',
  });
  for (const key of ['kernel.core_pattern', 'vm.swappiness', 'fs.file-max', 'net/ipv4/x', 'net.x/../../kernel/y', '']) {
    const { entry, message } = refusal(() => sysctl({ [key]: '1' }));
    assert.equal(entry, "app web: pod's isolators[0].value");
    assert.match(message, /is a setting of the host's/);
  }
});

test('capabilities that no Linux has are refused, since runtimes disagree about them', () => {
  for (const name of ['CAP_EVERYTHING', 'chown', 'CAP_CHOWN ', '']) {
    const { entry } = refusal(() => isolation([['os/linux/capabilities-retain-set', { set: [name] }]]));
    assert.equal(entry, 'app web: app.isolators[0].value.set');
  }
});

test('filters of system calls', () => {
  const filter = (kind: string, value: object) => isolation([[`os/linux/seccomp-${kind}-set`, value as Value]]).seccomp;
  const removed = filter('remove', { set: ['mount', '@rkt/default-blacklist'], errno: 'ENOTSUP' });
  assert.equal(removed?.defaultAction, 'SCMP_ACT_ALLOW');
  const [rule] = removed?.syscalls ?? [];
  assert.deepEqual([rule?.action, rule?.errnoRet, rule?.names[0]], ['SCMP_ACT_ERRNO', 95, 'mount']);
  assert.equal(rule?.names.filter((name) => name === 'mount').length, 1);
  assert.ok(rule?.names.includes('kexec_load'));
  const retained = filter('retain', { set: ['read'] });
  assert.equal(retained?.defaultAction, 'SCMP_ACT_KILL_PROCESS');
  assert.ok(['read', 'execve', 'exit_group'].every((name) => retained?.syscalls[0]?.names.includes(name)));
  assert.deepEqual(retained?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
  assert.equal(filter('retain', { set: ['read', '@appc.io/all'] }), undefined);
  const wide = filter('retain', { set: ['@docker/default-whitelist'] });
  assert.deepEqual(wide?.syscalls.at(-1), { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
  const empty = filter('remove', { set: ['reboot', '@appc.io/empty'], errno: 'EXFULL' });
  assert.deepEqual([empty?.defaultAction, empty?.defaultErrnoRet], ['SCMP_ACT_ERRNO', 54]);
  assert.deepEqual(empty?.syscalls, isolation([]).seccomp?.syscalls);
});

test('what a filter would mean is never guessed', () => {
  for (const [value, message] of [
    [{ set: ['@systemd/mount'] }, /no such set of system calls here: "@systemd\/mount" \(@appc\.io\/all, /],
    [{ set: ['read', '@rkt/nothing'] }, /no such set/],
    [{ set: ['read'], errno: 'ENONSENSE' }, /Linux has no error "ENONSENSE"/],
  ] as const) {
    const { code, message: said } = refusal(() => isolation([['os/linux/seccomp-remove-set', value as never]]));
    assert.equal(code, 'ERR_UNSUPPORTED');
    assert.match(said, message);
  }
  const twice: Listed = [
    ['os/linux/seccomp-remove-set', { set: ['read'] }],
    ['os/linux/seccomp-retain-set', { set: ['read'] }],
  ];
  assert.match(refusal(() => isolation(twice)).message, /too many seccomp isolators/);
});

test('the default filter permits what a capability is for', () => {
  const allowed = (...set: string[]) => {
    const { seccomp } = isolation([['os/linux/capabilities-retain-set', { set }]]);
    return new Set(seccomp?.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names));
  };
  assert.ok(!allowed('CAP_CHOWN').has('mount'));
  assert.ok(allowed('CAP_SYS_ADMIN').has('mount'));
  assert.ok(allowed('CAP_SYS_TIME').has('clock_settime'));
});

test('who is not root gets a filter only with no_new_privs', () => {
  assert.equal(isolation([]).noNewPrivileges, false);
  assert.equal(isolation([], { uid: 5 }).noNewPrivileges, true);
  assert.equal(
    isolation([['os/linux/seccomp-retain-set', { set: ['@appc.io/all'] }]], { uid: 5 }).noNewPrivileges,
    false,
  );
  assert.equal(isolation([['os/linux/seccomp-retain-set', { set: ['read'] }]]).noNewPrivileges, true);
});

test('environments have the least that programs rely on, and what they are given stays', () => {
  assert.deepEqual(appEnvironment('web', [{ name: 'AC_APP_NAME', value: 'liar' }]).at(-1), 'AC_APP_NAME=web');
  const own = appEnvironment('web', [
    { name: 'PATH', value: '/x' },
    { name: 'container', value: 'other' },
  ]);
  assert.deepEqual(
    own.filter((each) => /^(PATH|container)=/.test(each)),
    ['PATH=/x', 'container=other'],
  );
  assert.deepEqual(imageEnvironment('web', ['a.b=c', 'PATH=', 'bare']), [
    'container=cairn',
    'AC_APP_NAME=web',
    'a.b=c',
    'PATH=',
    'bare',
  ]);
});

test('files of users: malformed lines are passed over, and the first line of a name counts', () => {
  const passwd = 'a:x:1:2::/:\nb:x\n\nb:x:3:4::/:\na:x:9:9::/:\nc:x:-1:0::/:\nd:x:1:4294967295::/:\n+::::::\ne:x';
  const user = (name: string) => findUser(passwd, name);
  assert.deepEqual(user('a'), { found: { name: 'a', uid: 1, gid: 2 } });
  assert.deepEqual(user('b'), { found: { name: 'b', uid: 3, gid: 4 } });
  assert.deepEqual(user('c'), { fault: 'line 6: unable to parse uid' });
  assert.deepEqual(user('d'), { fault: 'line 7: unable to parse gid' });
  assert.deepEqual(user('e'), { fault: 'line 9: expected at least 7 fields, got 2' });
  for (const name of ['', 'x', 'a:x', 'none']) assert.equal(user(name).found, undefined, name);
  assert.deepEqual(userNumbered(passwd, 3)?.name, 'b');
  assert.equal(userNumbered(passwd, 5), undefined);
  const group = 'g:x:5:a,b\nh:x:6:\ni:x:\nj:x:7:b';
  assert.deepEqual(findGroup(group, 'h'), { found: { name: 'h', gid: 6, members: [] } });
  assert.deepEqual(findGroup(group, 'i'), { fault: 'line 3: expected at least 4 fields, got 3' });
  assert.deepEqual(
    groupsWith(group, 'b').map(({ gid }) => gid),
    [5, 7],
  );
});

test('volumes are found as rkt finds them', () => {
  const mountPoint = { name: 'foo-mp', path: '/app/foo-mp', readOnly: false };
  const host = (name: string, source: string, readOnly?: boolean) =>
    ({ kind: 'host', name, source, ...(readOnly === undefined ? {} : { readOnly }) }) as const;
  const volumes = [host('foo-mount', '/host/foo', false), host('foo-mp', '/host/bar', false)];
  const found = (mounts: object[], points: object[]) =>
    volumeMountsOf({ mounts: mounts as never }, { mountPoints: points as never }, volumes, at).map(
      ({ volume, path, owner, readOnly, implicit }) => ({ volume, path, owner, readOnly, implicit }),
    );
  const plain = { owner: 'pod', readOnly: false, implicit: false };
  assert.deepEqual(found([{ volume: 'foo-mount', path: '/app/foo' }], []), [
    { ...plain, volume: volumes[0], path: '/app/foo' },
  ]);
  assert.deepEqual(found([], [mountPoint]), [{ ...plain, volume: volumes[1], path: '/app/foo-mp' }]);
  const own = host('foo-mount', '/host/overridden');
  assert.deepEqual(found([{ volume: 'foo-mount', path: '/app/foo', appVolume: own }], []), [
    { ...plain, owner: 'app', volume: own, path: '/app/foo' },
  ]);
  assert.deepEqual(found([], [{ ...mountPoint, name: 'none', readOnly: true }]), [
    {
      volume: { kind: 'empty', name: 'none', mode: 0o755, uid: 0, gid: 0 },
      ...{ path: '/app/foo-mp', owner: 'app', readOnly: true, implicit: true },
    },
  ]);
  assert.deepEqual(found([{ volume: 'foo-mount', path: '/app/foo-mp' }], [mountPoint]).length, 1);
});

test('a mount of a volume that is not there is told by the app and the field', () => {
  const mounts = { mounts: [{ volume: 'none', path: '/x' }] };
  const { entry, message } = refusal(() => volumeMountsOf(mounts, { mountPoints: [] }, [], at));
  assert.deepEqual([entry, message], ['app web: mounts[0].volume', 'could not find volume "none"']);
});

test('images give no orders to runtimes', () => {
  const { annotations, leftOut } = harmless(
    { mine: 'first', '': 'nameless' },
    { mine: 'second', 'run.oci.hooks.stdout': '/etc/cron.d/x', 'ORG.systemd.property.X': '1' },
    { 'io.katacontainers.config.hypervisor.path': '/tmp/x', __proto__x: 'y', ['__proto__']: 'z' },
  );
  assert.deepEqual(Object.entries(annotations), [
    ['mine', 'first'],
    ['__proto__x', 'y'],
    ['__proto__', 'z'],
  ]);
  assert.deepEqual(leftOut, [
    'run.oci.hooks.stdout',
    'ORG.systemd.property.X',
    'io.katacontainers.config.hypervisor.path',
  ]);
});

test('annotations of an OCI image: its labels come before its fields', () => {
  const config = parseConfig(
    Buffer.from(
      JSON.stringify({
        ...{ os: 'linux', architecture: 'arm64', variant: 'v8', author: 'me', created: '2020-01-01T00:00:00Z' },
        'os.version': '1',
        'os.features': ['a', 'b'],
        rootfs: { type: 'layers', diff_ids: [] },
        config: {
          ...{ StopSignal: 'SIGINT', ExposedPorts: { '80/tcp': {}, '53/udp': {} } },
          Labels: { 'org.opencontainers.image.os': 'other', key: 'value' },
        },
      }),
    ),
    { maxManifest: 1 << 20 },
  );
  assert.deepEqual(harmless(...imageAnnotations(config)).annotations, {
    'org.opencontainers.image.os': 'other',
    key: 'value',
    'org.opencontainers.image.architecture': 'arm64',
    'org.opencontainers.image.variant': 'v8',
    'org.opencontainers.image.os.version': '1',
    'org.opencontainers.image.os.features': 'a,b',
    'org.opencontainers.image.author': 'me',
    'org.opencontainers.image.created': '2020-01-01T00:00:00Z',
    'org.opencontainers.image.stopSignal': 'SIGINT',
    'org.opencontainers.image.exposedPorts': '53/udp,80/tcp',
  });
  const port = { name: 'x', protocol: '', port: 80, count: 1, socketActivated: false };
  assert.deepEqual(portAnnotation([port, { ...port, protocol: 'udp', port: 5, count: 3 }]), {
    'org.opencontainers.image.exposedPorts': '80/tcp,5-7/udp',
  });
});

test('who joins namespaces sets nothing of them, and users who are not root have no control groups', () => {
  const request = {
    ...{ rootfs: 'rootfs', readOnly: false, terminal: false, hostname: 'h', hostNetwork: false, mounts: [] },
    ...{ process: { args: ['/x'], cwd: '/', env: [], user: { uid: 0, gid: 0 } }, devices: [], annotations: {} },
    isolation: isolation([], { pod: [['os/unix/sysctl', { 'net.core.somaxconn': '5' }]] }),
  };
  const first = writeConfig(request);
  assert.deepEqual(first.linux.namespaces, [
    ...['pid', 'network', 'ipc', 'uts'].map((type) => ({ type })),
    { type: 'mount' },
  ]);
  assert.deepEqual([first.hostname, first.linux.sysctl], ['h', { 'net.core.somaxconn': '5' }]);
  const next = writeConfig({ ...request, joined: '/pod/ns' });
  assert.deepEqual(next.linux.namespaces.slice(0, 2), [
    { type: 'pid', path: '/pod/ns/pid' },
    { type: 'network', path: '/pod/ns/net' },
  ]);
  assert.deepEqual([next.hostname, next.linux.sysctl], [undefined, undefined]);
  const one = [{ containerID: 0, hostID: 1000, size: 1 }];
  const rootless = writeConfig({ ...request, hostNetwork: true, mappings: { uids: one, gids: one } });
  assert.deepEqual(
    rootless.linux.namespaces.map(({ type }) => type),
    ['user', 'pid', 'ipc', 'uts', 'mount'],
  );
  assert.deepEqual([rootless.linux.uidMappings, rootless.linux.resources], [one, undefined]);
  assert.ok(!rootless.mounts.some(({ options }) => options.includes('gid=5')));
  assert.ok(!rootless.mounts.some(({ type }) => type === 'cgroup' || type === 'sysfs'));
});
