/** Volumes, mounts, ports and isolators as people type them: the reference implementation's own cases, and others. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CairnError } from '../../engine/core/errors.js';
import {
  capabilitiesIsolator,
  cpuIsolator,
  cpuSharesIsolator,
  isolatorFromString,
  memoryIsolator,
  oomScoreIsolator,
  seccompIsolator,
  withIsolators,
} from '../../engine/image/aci/isolator-strings.js';
import {
  exposedPortFromString,
  mountFromString,
  mountPointFromString,
  mountVolumeFromString,
  portFromString,
  volumeFromString,
} from '../../engine/image/aci/pod-strings.js';

type Read = (text: string) => unknown;

function reads(read: Read, cases: Readonly<Record<string, unknown>>): void {
  for (const [text, value] of Object.entries(cases)) test(`reads ${text}`, () => assert.deepEqual(read(text), value));
}

function refuses(read: Read, cases: Readonly<Record<string, RegExp>>): void {
  for (const [text, message] of Object.entries(cases))
    test(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => read(text),
        (error) => {
          assert.ok(error instanceof CairnError, String(error));
          assert.equal(error.code, 'ERR_USAGE');
          assert.match(error.message, message);
          return true;
        },
      ));
}

const HOST = { kind: 'host', name: 'foobar', source: '/tmp' };
const EMPTY = { kind: 'empty', name: 'foobar', mode: 0o755, uid: 0, gid: 0 };

describe('volumes', () => {
  reads(volumeFromString, {
    'foobar,kind=host,source=/tmp': HOST,
    'foobar,kind=host,source=/tmp,readOnly=false': { ...HOST, readOnly: false },
    'foobar,kind=host,source=/tmp,readOnly=true': { ...HOST, readOnly: true },
    'foobar,kind=host,source=/tmp,recursive=false': { ...HOST, recursive: false },
    'foobar,kind=host,source=/tmp,recursive=true': { ...HOST, recursive: true },
    'foobar,kind=empty': EMPTY,
    'foobar,kind=empty,readOnly=true': { ...EMPTY, readOnly: true },
    'foobar,kind=empty,readOnly=true,mode=0777': { ...EMPTY, readOnly: true, mode: 0o777 },
    'foobar,kind=empty,mode=0777,uid=1000': { ...EMPTY, mode: 0o777, uid: 1000 },
    'foobar,kind=empty,mode=0777,uid=1000,gid=1000': { ...EMPTY, mode: 0o777, uid: 1000, gid: 1000 },
    'foobar,readOnly=T,kind=host,source=/tmp/a=b+c%2C&;d': { ...HOST, source: '/tmp/a=b+c%2C&;d', readOnly: true },
  });
  refuses(volumeFromString, {
    '#foobar,kind=host,source=/tmp': /^invalid volume "#foobar,.*": ACName must contain only lower case/,
    'foobar,kind=host,source=/tmp,readOnly=true,asdf=asdf': /unknown volume parameter "asdf"/,
    'foobar,kind=host,source=tmp': /source for host volume must be absolute path/,
    'foobar,kind=host,uid=3': /source for host volume cannot be empty/,
    'foobar,kind=host,source=/tmp,uid=3': /uid for host volume cannot be set/,
    'foobar,kind=host,mode=0755': /source for host volume cannot be empty/,
    'foobar,kind=host,source=/tmp,mode=0755': /mode for host volume cannot be set/,
    'foobar,kind=host,mode=0600,readOnly=true,gid=0': /source for host volume cannot be empty/,
    'foobar,kind=empty,source=/tmp': /source for empty volume must be empty/,
    'foobar,kind=host,source=/tmp,recursive=MAYBE': /neither true nor false: "MAYBE"/,
    'foobar,kind=empty,uid=one': /not a whole number: "one"/,
    foobar: /unrecognized volume kind: should be one of "empty", "host"/,
    'foobar,kind': /has a label without a value: kind/,
    'foobar,kind=empty,kind=host': /label kind with multiple values/,
    'foobar,name=other,kind=empty': /label name with multiple values/,
    'foobar,constructor=1': /unknown volume parameter "constructor"/,
    '': /name must be set/,
  });
});

describe('mount points', () => {
  reads(mountPointFromString, {
    'foobar,path=/tmp': { name: 'foobar', path: '/tmp', readOnly: false },
    'foobar,path=/tmp,readOnly=false': { name: 'foobar', path: '/tmp', readOnly: false },
    'foobar,path=/tmp,readOnly=true': { name: 'foobar', path: '/tmp', readOnly: true },
  });
  refuses(mountPointFromString, {
    '#foobar,path=/tmp': /ACName must contain/,
    'foobar,path=/tmp,readOnly=true,asdf=asdf': /unknown mountpoint parameter "asdf"/,
    'foobar,path=/tmp,readOnly=maybe': /neither true nor false: "maybe"/,
    'foobar,path=/tmp,readOnly=': /neither true nor false: ""/,
    'foobar,path=': /path must be set/,
    foobar: /path must be set/,
    '': /ACName cannot be empty/,
    ',path=/': /ACName cannot be empty/,
  });
});

describe('ports of apps', () => {
  reads(portFromString, {
    'health-check,protocol=udp,port=8000': {
      ...{ name: 'health-check', protocol: 'udp', port: 8000, count: 1, socketActivated: false },
    },
    'query,protocol=tcp,port=8080,count=1,socketActivated=true': {
      ...{ name: 'query', protocol: 'tcp', port: 8080, count: 1, socketActivated: true },
    },
    'a,port=32456,count=100': { name: 'a', protocol: '', port: 32456, count: 100, socketActivated: false },
  });
  refuses(portFromString, {
    'a,port=88888': /value out of range: "88888"/,
    'a,port=32456,count=45678': /end of port range must be in 1-65535 range/,
    'a,port=0': /port must be in 1-65535 range/,
    a: /port must be in 1-65535 range/,
    'a,port=-1': /not a whole number/,
    'a,port=1,colour=red': /unknown port parameter "colour"/,
  });
});

describe('ports of the host', () => {
  reads(exposedPortFromString, {
    'foo:123': { name: 'foo', hostPort: 123 },
    'foo:12345': { name: 'foo', hostPort: 12345 },
    'foo:127.0.0.1:80': { name: 'foo', hostPort: 80, hostIP: '127.0.0.1' },
    'foo:[::1]:80': { name: 'foo', hostPort: 80, hostIP: '::1' },
  });
  refuses(exposedPortFromString, {
    'f$o:123': /"f\$o" is not a valid port name/,
    foo: /not in NAME:\[IP:\]PORT format/,
    'foo:localhost:80': /"localhost" is not a valid IP/,
    'foo:::1:80': /not in NAME/,
    'foo:http': /"http" is not a valid port number/,
    'foo:65536': /hostPort must be in 0-65535 range/,
    'foo:': /"" is not a valid port number/,
  });
});

describe('mounts', () => {
  reads(mountFromString, {
    'volume=data,target=/data': { volume: 'data', path: '/data' },
    'target=/a=b,volume=data': { volume: 'data', path: '/a=b' },
  });
  refuses(mountFromString, {
    'volume=Data,target=/data': /ACName must contain/,
    'target=/data': /volume must be set/,
    'volume=data': /path must be set/,
    'volume=data,target=data': /path must be absolute/,
    'volume=data,target=/../etc': /must not contain ".."/,
    'volume=data,path=/data': /unknown mount parameter "path"/,
    'data:/data': /has a label without a value: data:\/data/,
  });
  reads(mountVolumeFromString, {
    'name=foobar,kind=host,source=/tmp,target=/x': { volume: 'foobar', path: '/x', appVolume: HOST },
    'foobar,kind=empty,target=/x': { volume: 'foobar', path: '/x', appVolume: EMPTY },
  });
  refuses(mountVolumeFromString, {
    'name=foobar,kind=empty': /missing target= parameter/,
    'name=foobar,kind=host,target=/x': /source for host volume cannot be empty/,
  });
});

describe('isolators', () => {
  reads(isolatorFromString, {
    'resource/cpu,request=50m,limit=100m': { name: 'resource/cpu', value: { request: '50m', limit: '100m' } },
    'resource/block-iops,default=true,limit=1k': { name: 'resource/block-iops', value: { default: true, limit: '1k' } },
    'os/linux/no-new-privileges,true': { name: 'os/linux/no-new-privileges', value: true },
    'os/linux/oom-score-adj,-100': { name: 'os/linux/oom-score-adj', value: -100 },
    'os/linux/seccomp-retain-set={"set":["@appc.io/all"]}': {
      name: 'os/linux/seccomp-retain-set',
      value: { set: ['@appc.io/all'] },
    },
    'example.com/own,some text': { name: 'example.com/own', value: 'some text' },
    'os/unix/sysctl,net.ipv4.tcp_mtu_probing=1': { name: 'os/unix/sysctl', value: { 'net.ipv4.tcp_mtu_probing': '1' } },
  });
  refuses(isolatorFromString, {
    'resource/cpu': /an isolator without a value/,
    'resource/cpu,50m': /must be an object/,
    'resource/cpu,limit=much': /not a quantity: "much"/,
    'resource/cpu={': /the value is not JSON/,
    'os/linux/capabilities-retain-set,set=CAP_KILL': /must be a list/,
    'os/linux/oom-score-adj,5000': /must be between -1000 and 1000/,
    'Resource/cpu,limit=1': /ACIdentifier must contain/,
    ',limit=1': /ACIdentifier cannot be empty/,
  });
  reads(memoryIsolator, { '128M': { name: 'resource/memory', value: { request: '128M', limit: '128M' } } });
  reads(cpuIsolator, { '500m': { name: 'resource/cpu', value: { request: '500m', limit: '500m' } } });
  reads(cpuSharesIsolator, { '2048': { name: 'os/linux/cpu-shares', value: 2048 } });
  reads(oomScoreIsolator, { '-999': { name: 'os/linux/oom-score-adj', value: -999 } });
  reads((text) => capabilitiesIsolator('retain', text), {
    'CAP_KILL,CAP_CHOWN': { name: 'os/linux/capabilities-retain-set', value: { set: ['CAP_KILL', 'CAP_CHOWN'] } },
  });
  reads(seccompIsolator, {
    'mode=retain,errno=EPERM,chmod,chown': {
      name: 'os/linux/seccomp-retain-set',
      value: { set: ['chmod', 'chown'], errno: 'EPERM' },
    },
    'chmod,mode=remove': { name: 'os/linux/seccomp-remove-set', value: { set: ['chmod'] } },
  });
  refuses(memoryIsolator, {
    much: /not a quantity: "much"/,
    '': /not a quantity/,
    '16m': /^memory limit "16m" too low\. Try a reasonable value, such as 16M$/,
    '4095': /too low/,
    '3Ki': /too low/,
    '-1G': /too low/,
  });
  test('4 KiB are enough', () => {
    for (const amount of ['4096', '4Ki', '4.1k', '5000000m', '1e9']) assert.ok(memoryIsolator(amount));
  });
  refuses(cpuSharesIsolator, { '1': /must be between 2 and 262144/, many: /not a whole number/ });
  refuses((text) => capabilitiesIsolator('remove', text), { '': /set must be non-empty/ });
  refuses(seccompIsolator, {
    'chmod,chown': /invalid seccomp mode command-line override: ""/,
    'mode=kill,chmod': /invalid seccomp mode command-line override: "kill"/,
    'mode=retain,level=1,chmod': /invalid seccomp command-line override: "level=1"/,
    'mode=retain': /set must be non-empty/,
    'mode=retain,errno=eperm,chmod': /errno must be an upper case name/,
  });

  test('an isolator takes the place of those of its kind', () => {
    const cpu = cpuIsolator('1');
    const retain = capabilitiesIsolator('retain', 'CAP_KILL');
    const remove = capabilitiesIsolator('remove', 'CAP_CHOWN');
    assert.deepEqual(withIsolators([retain, cpu], [remove]), [cpu, remove]);
    assert.deepEqual(withIsolators([cpu], [retain, remove]), [cpu, retain, remove]);
    assert.deepEqual(withIsolators([cpu, retain], [cpuIsolator('2')]), [retain, cpuIsolator('2')]);
  });
});
