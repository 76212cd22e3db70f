/** Reads mounts and ports of a pod manifest, each by itself (appc spec 0.8.11, pod manifest). */
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';
import { readPort } from './app.js';
import type { ExposedPort, Mount } from './pod.js';
import { pathFault, readVolume } from './volume.js';

export function readMount(mount: JsonField): Mount {
  const volume = mount.field('volume');
  if (volume.text() === '') throw volume.fault('volume must be set');
  const path = mount.field('path');
  if (path.text() === '') throw path.fault('path must be set');
  if (!path.text().startsWith('/')) throw path.fault('path must be absolute');
  path.refuse(pathFault(path.text()));
  const appVolume = mount.field('appVolume');
  return {
    volume: volume.acName(),
    path: path.text(),
    ...(appVolume.absent ? {} : { appVolume: readVolume(appVolume) }),
  };
}

export function readExposedPort(port: JsonField): ExposedPort {
  const hostIP = port.field('hostIP');
  const podPort = port.field('podPort');
  return {
    name: port.field('name').acName(),
    hostPort: port.field('hostPort').integer(0, 65_535, 'hostPort must be in 0-65535 range'),
    ...(hostIP.text() === '' ? {} : { hostIP: readAddress(hostIP) }),
    ...(podPort.absent ? {} : { podPort: readPort(podPort) }),
  };
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function readAddress(field: JsonField): string {
  const text = field.text();
  if (!isAddress(text)) throw field.fault(`invalid IP address: ${quoted(text)}`);
  return text;
}

/** Whether a text is an address of IPv4 or IPv6. */
export function isAddress(text: string): boolean {
  return IPV4.test(text) || (/^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`));
}
