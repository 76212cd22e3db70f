/** OCI runtime bundles as pods: what each field becomes, and that nothing is lost without a word. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CairnError, type ErrorCode } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, MAX_NOTICES } from '../../engine/core/limits.js';
import { type ConvertedBundle, podFromBundle } from '../../engine/image/convert/runtime/bundle-to-pod.js';

type Fields = Record<string, unknown>;

const SETS = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] };
const NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type }));

/** A bundle of which everything can be said. */
function bundle({ process = {}, linux = {}, ...more }: { process?: Fields; linux?: Fields; [field: string]: unknown }) {
  return {
    ociVersion: '1.0.2',
    process: { args: ['/bin/app'], cwd: '/', user: { uid: 0, gid: 0 }, capabilities: SETS, ...process },
    root: { path: 'rootfs' },
    linux: { namespaces: NAMESPACES, ...linux },
    ...more,
  };
}

function convert(document: unknown): ConvertedBundle {
  return podFromBundle(Buffer.from(JSON.stringify(document)), '/srv/bundle', DEFAULT_LIMITS);
}

function told({ notices }: ConvertedBundle): string[] {
  return notices.map(({ entry, message }) => `${entry.replace('config.json: ', '')}: ${message}`);
}

function isolatorsOf(fields: Parameters<typeof bundle>[0]): Record<string, unknown> {
  const { app } = convert(bundle(fields));
  return Object.fromEntries(app.isolators.map(({ name, value }) => [name, value]));
}

test('what appc has words for is said, and nothing is told', () => {
  const converted = convert(
    bundle({
      process: {
        args: ['sh', '-c', 'exit 7'],
        cwd: '/work',
        user: { uid: 1000, gid: 100, additionalGids: [5, 6] },
        env: ['PATH=/bin', 'EMPTY=', 'EQUALS=a=b'],
        terminal: false,
      },
      root: { path: 'rootfs', readonly: true },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['size=65536k'] },
        { destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind', 'ro'] },
        { destination: '/DATA', source: 'own/data', options: ['bind', 'ro', 'rw'] },
      ],
      linux: { sysctl: { 'net.core.somaxconn': '256' } },
      annotations: { 'org.example.key': 'value', 'Not An Identifier': 'kept', created: 'yesterday' },
    }),
  );
  assert.deepEqual(told(converted), []);
  assert.deepEqual(converted, {
    app: {
      exec: ['sh', '-c', 'exit 7'],
      user: '1000',
      group: '100',
      supplementaryGIDs: [5, 6],
      workingDirectory: '/work',
      environment: [
        { name: 'PATH', value: '/bin' },
        { name: 'EMPTY', value: '' },
        { name: 'EQUALS', value: 'a=b' },
      ],
      isolators: [{ name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_KILL'] } }],
      ...{ eventHandlers: [], mountPoints: [], ports: [], userLabels: {} },
      userAnnotations: { 'Not An Identifier': 'kept', created: 'yesterday' },
    },
    readOnlyRootFS: true,
    mounts: [
      { volume: 'volume-data', path: '/data' },
      { volume: 'volume-data-1', path: '/DATA' },
    ],
    annotations: { 'org.example.key': 'value' },
    volumes: [
      { kind: 'host', name: 'volume-data', source: '/srv/data', readOnly: true, recursive: true },
      { kind: 'host', name: 'volume-data-1', source: '/srv/bundle/own/data', readOnly: false, recursive: false },
    ],
    isolators: [{ name: 'os/unix/sysctl', value: { 'net.core.somaxconn': '256' } }],
    notices: [],
  });
});

test('isolators', () => {
  assert.deepEqual(
    isolatorsOf({
      process: {
        noNewPrivileges: true,
        oomScoreAdj: -5,
        apparmorProfile: 'default',
        selinuxLabel: 'system_u:system_r:svirt_lxc_net_t:s0:c1,c2',
      },
      linux: {
        resources: {
          memory: { limit: 2 ** 31, reservation: 2 ** 30 },
          cpu: { quota: 20_000, period: 100_000, shares: 2048 },
          devices: [{ allow: false, access: 'rwm' }],
        },
      },
    }),
    {
      'os/linux/no-new-privileges': true,
      'os/linux/oom-score-adj': -5,
      'os/linux/apparmor-profile': { profile: 'default' },
      'os/linux/selinux-context': { user: 'system_u', role: 'system_r', type: 'svirt_lxc_net_t', level: 's0:c1,c2' },
      'os/linux/capabilities-retain-set': { set: ['CAP_KILL'] },
      'resource/memory': { request: '1073741824', limit: '2147483648' },
      'resource/cpu': { limit: '200m' },
      'os/linux/cpu-shares': 2048,
    },
  );
});

test('shares of processors are exact where they can be, and never more', () => {
  const limit = (quota: number, period?: number): unknown =>
    isolatorsOf({ linux: { resources: { cpu: { quota, period } } } })['resource/cpu'];
  assert.deepEqual(limit(150_000), { limit: '1500m' });
  assert.deepEqual(limit(1, 8000), { limit: '125u' });
  assert.deepEqual(limit(1, 3000), { limit: '333333n' });
  assert.equal(limit(-1), undefined);
  assert.equal(limit(0), undefined);
});

describe('capabilities are those in effect', () => {
  const cases: [name: string, sets: Fields, expected: Fields, told: RegExp[]][] = [
    [
      'a wider bounding set',
      { ...SETS, bounding: ['CAP_KILL', 'CAP_CHOWN'] },
      { set: ['CAP_KILL'] },
      [/bounding: appc/],
    ],
    [
      'more in effect than allowed',
      { ...SETS, effective: ['CAP_KILL', 'CAP_BPF'] },
      { set: ['CAP_KILL'] },
      [/effective/],
    ],
    ['the same in all', { ...SETS, inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] }, { set: ['CAP_KILL'] }, []],
    ['another ambient set', { ...SETS, ambient: ['CAP_CHOWN'] }, { set: ['CAP_KILL'] }, [/ambient/]],
  ];
  for (const [name, capabilities, expected, messages] of cases)
    test(name, () => {
      const converted = convert(bundle({ process: { capabilities } }));
      assert.deepEqual(converted.app.isolators, [{ name: 'os/linux/capabilities-retain-set', value: expected }]);
      const notices = told(converted);
      assert.equal(notices.length, messages.length, notices.join('\n'));
      for (const [i, message] of messages.entries()) assert.match(notices[i] as string, message);
    });
  test('none', () => {
    const [isolator] = convert(bundle({ process: { capabilities: {} } })).app.isolators;
    assert.equal(isolator?.name, 'os/linux/capabilities-remove-set');
    assert.equal((isolator?.value as { set?: string[] } | undefined)?.set?.length, 14);
  });
  test('nothing said', () => {
    const converted = convert(bundle({ process: { capabilities: null } }));
    assert.deepEqual(converted.app.isolators, []);
    assert.match(told(converted)[0] as string, /^process\.capabilities: the app has the capabilities that apps have/);
  });
});

describe('system calls', () => {
  const seccomp = (filter: Fields): [Fields, string[]] => {
    const converted = convert(bundle({ linux: { seccomp: filter } }));
    const found = converted.app.isolators.filter(({ name }) => name.startsWith('os/linux/seccomp'));
    return [
      Object.fromEntries(found.map(({ name, value }) => [name.slice('os/linux/'.length), value])),
      told(converted),
    ];
  };
  test('a filter that refuses by default stays so', () => {
    const [isolators, notices] = seccomp({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      syscalls: [
        { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
        { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 1, op: 'SCMP_CMP_MASKED_EQ' }] },
        { names: ['ptrace'], action: 'SCMP_ACT_TRACE' },
        { names: ['write', 'mount'], action: 'SCMP_ACT_ALLOW' },
        { names: ['reboot'], action: 'SCMP_ACT_KILL' },
      ],
    });
    assert.deepEqual(isolators, { 'seccomp-retain-set': { set: ['read', 'write', 'mount'], errno: 'ENOSYS' } });
    assert.deepEqual(notices, [
      'linux.seccomp.syscalls[1]: appc does not look at arguments: refused always: clone',
      'linux.seccomp.syscalls[2]: appc has no "SCMP_ACT_TRACE": refused: ptrace',
    ]);
  });
  test('one that allows by default, too', () => {
    const [isolators, notices] = seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [
        { names: ['reboot'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
        { names: ['kexec_load'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    });
    assert.deepEqual(isolators, { 'seccomp-remove-set': { set: ['reboot', 'kexec_load'], errno: 'EACCES' } });
    assert.deepEqual(notices, [
      'linux.seccomp.architectures: the filter is for the architecture of the machine',
      'linux.seccomp.syscalls: appc has one error for all calls: the first is taken',
    ]);
  });
  test('one that refuses all', () => {
    assert.deepEqual(seccomp({ defaultAction: 'SCMP_ACT_KILL' })[0], {
      'seccomp-retain-set': { set: ['@appc.io/empty'] },
    });
  });
  test('one that only watches', () => {
    assert.deepEqual(seccomp({ defaultAction: 'SCMP_ACT_LOG' }), [
      {},
      ['linux.seccomp: appc has no filter that begins with "SCMP_ACT_LOG"'],
    ]);
  });
});

test('file systems in memory become empty volumes, others are told', () => {
  const converted = convert(
    bundle({
      mounts: [
        { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'uid=5', 'size=1m'] },
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/nfs', type: 'nfs', source: 'server:/x' },
        { destination: '/mnt', type: 'bind', source: '/srv', options: ['rprivate', 'noexec'], uidMappings: [{}] },
      ],
    }),
  );
  assert.deepEqual(converted.volumes, [
    { kind: 'empty', name: 'volume-run', readOnly: false, mode: 0o755, uid: 5, gid: 0 },
    { kind: 'empty', name: 'volume-tmp', readOnly: false, mode: 0o1777, uid: 0, gid: 0 },
    { kind: 'host', name: 'volume-mnt', source: '/srv', readOnly: false, recursive: false },
  ]);
  assert.deepEqual(told(converted), [
    'mounts[0].options: a directory on disk takes the place of the file system in memory',
    'mounts[0].options: a volume has no such options: nosuid, size=1m',
    'mounts[1].options: a directory on disk takes the place of the file system in memory',
    'mounts[2]: a pod has no volumes of "nfs"',
    'mounts[3].uidMappings: a pod manifest has no word for it',
    'mounts[3].options: a volume has no such options: rprivate, noexec',
  ]);
});

test('whatever has no word is told, fields that nobody knows too', () => {
  const converted = convert(
    bundle({
      process: {
        ...{ terminal: true, rlimits: [{}], umask: 18, consoleSize: { height: 1 }, noSuchField: 1, scheduler: {} },
        ...{ env: ['A=1', 'A=2', '2BAD=1', 'BARE'], selinuxLabel: 'odd', user: { umask: 1, username: 'x' } },
      },
      hostname: 'box',
      hooks: { prestart: [{ path: '/bin/hook' }] },
      linux: {
        ...{ uidMappings: [{}], devices: [{}], cgroupsPath: '/x', maskedPaths: ['/proc/kcore'], personality: {} },
        namespaces: [
          { type: 'pid', path: '/proc/1/ns/pid' },
          { type: 'user' },
          { type: 'mount' },
          { type: 'ipc' },
          { type: 'uts' },
        ],
        resources: {
          pids: { limit: 5 },
          memory: { swap: 1 },
          cpu: { cpus: '0' },
          devices: [{ allow: true, type: 'c' }],
        },
      },
      futureField: { any: 'thing' },
    }),
  );
  const entries = told(converted).map((each) => each.slice(0, each.indexOf(': ')));
  assert.deepEqual(entries.toSorted(), [
    ...['futureField', 'hooks', 'hostname', 'linux.cgroupsPath', 'linux.devices', 'linux.maskedPaths'],
    ...['linux.namespaces', 'linux.namespaces[0].path', 'linux.namespaces[1]', 'linux.resources.cpu.cpus'],
    ...['linux.resources.devices[0]', 'linux.resources.memory.swap', 'linux.resources.pids', 'linux.uidMappings'],
    ...['process.consoleSize', 'process.env[1]', 'process.env[2]', 'process.env[3]', 'process.noSuchField'],
    ...['process.rlimits', 'process.selinuxLabel', 'process.terminal', 'process.umask', 'process.user.umask'],
    'process.user.username',
  ]);
  assert.match(told(converted).find((each) => each.startsWith('hooks')) as string, /hooks run on the host/);
  assert.deepEqual(converted.app.environment, [{ name: 'A', value: '2' }]);
});

describe('what breaks the rules of OCI is refused', () => {
  const cases: Record<string, [document: unknown, path: string, message: RegExp, code?: ErrorCode]> = {
    'no object': [[], '', /must be an object/],
    'no version': [bundle({ ociVersion: undefined }), 'ociVersion', /must be set/],
    'no process': [{ ociVersion: '1.0.0' }, 'process', /process must be set/],
    'nothing to run': [bundle({ process: { args: [] } }), 'process.args', /args must not be empty/],
    'a relative cwd': [bundle({ process: { cwd: 'x' } }), 'process.cwd', /cwd must be an absolute path/],
    'a negative uid': [bundle({ process: { user: { uid: -1 } } }), 'process.user.uid', /must be between 0 and/],
    'a mount nowhere': [bundle({ mounts: [{ type: 'bind', source: '/' }] }), 'mounts[0].destination', /absolute/],
    'a mount that leaves': [
      bundle({ mounts: [{ destination: '/../etc', type: 'bind', source: '/' }] }),
      'mounts[0].destination',
      /must not contain "\.\."/,
    ],
    'a source that leaves the bundle': [
      bundle({ mounts: [{ destination: '/x', type: 'bind', source: '../../etc' }] }),
      'mounts[0].source',
      /must not contain "\.\."/,
    ],
    'no source': [bundle({ mounts: [{ destination: '/x', type: 'bind' }] }), 'mounts[0].source', /source must be set/],
    'too many mounts': [bundle({ mounts: Array(1001).fill({}) }), 'mounts', /has 1001 items, more than 1000/],
    'a score beyond the last': [bundle({ process: { oomScoreAdj: 1001 } }), 'process.oomScoreAdj', /between -1000 and/],
  };
  for (const [name, [document, path, message, code = 'ERR_BAD_MANIFEST']] of Object.entries(cases))
    test(name, () =>
      assert.throws(
        () => convert(document),
        (error) => {
          assert.ok(error instanceof CairnError, String(error));
          const entry = path === '' ? 'config.json' : `config.json: ${path}`;
          assert.deepEqual([error.code, error.entry], [code, entry], error.message);
          assert.match(error.message, message);
          return true;
        },
      ),
    );
});

test('a document of a hundred thousand unknown fields does not make as many notices', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x${i}`, 1]));
  const { notices } = convert(bundle(many));
  assert.equal(notices.length, MAX_NOTICES + 1);
  assert.match(notices.at(-1)?.message as string, /^99000 more that cannot be said$/);
});
