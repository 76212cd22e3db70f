/** What a machine must have so that a user who is not root can run apps. */
import * as fs from 'node:fs';
import { CairnError } from '../../core/errors.js';

/** Settings that forbid it, each with the value that does. */
const FORBIDDING = [
  ['/proc/sys/user/max_user_namespaces', '0'],
  ['/proc/sys/kernel/unprivileged_userns_clone', '0'],
] as const;

/** @throws CairnError `ERR_UNSUPPORTED`, naming what is missing */
export function mustHaveNamespaces(): void {
  if (process.geteuid?.() === 0) return;
  if (!fs.existsSync('/proc/self/ns/user')) throw lacking('the kernel has no user namespaces');
  for (const [setting, value] of FORBIDDING) {
    if (settingAt(setting) === value) throw lacking(`${setting} is ${value}, so users cannot make namespaces`);
  }
}

function lacking(what: string): CairnError {
  return new CairnError('ERR_UNSUPPORTED', `only root can run apps on this machine: ${what}`);
}

function settingAt(setting: string): string | undefined {
  try {
    return fs.readFileSync(setting, 'latin1').trim();
  } catch {
    return undefined;
  }
}
