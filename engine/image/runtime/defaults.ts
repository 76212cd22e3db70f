/** The file systems that every app finds, and what is hidden in them (appc spec, OS-SPEC; runtimes' own defaults). */
import type { RuntimeMount } from './config.js';

export interface StandardMounts {
  /** Whether the app shares the host's network, and with it the host's `/sys`. */
  hostNetwork: boolean;
  /** Whether the user of this process maps what ids there are: then the kernel allows less. */
  isRootless: boolean;
  /** Whether group 5, which terminals belong to, is one of the app's. */
  hasTerminalGroup: boolean;
}

export function standardMounts({ hostNetwork, isRootless, hasTerminalGroup }: StandardMounts): RuntimeMount[] {
  const safe = ['nosuid', 'noexec', 'nodev'];
  const terminals = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
  return [
    mount('/proc', 'proc', 'proc', []),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', 'devpts', hasTerminalGroup ? [...terminals, 'gid=5'] : terminals),
    mount('/dev/shm', 'tmpfs', 'shm', [...safe, 'mode=1777', 'size=65536k']),
    mount('/dev/mqueue', 'mqueue', 'mqueue', safe),
    isRootless && hostNetwork
      ? mount('/sys', 'none', '/sys', ['rbind', ...safe, 'ro'])
      : mount('/sys', 'sysfs', 'sysfs', [...safe, 'ro']),
    ...(isRootless ? [] : [mount('/sys/fs/cgroup', 'cgroup', 'cgroup', [...safe, 'relatime', 'ro'])]),
  ];
}

function mount(destination: string, type: string, source: string, options: string[]): RuntimeMount {
  return { destination, type, source, options };
}

/** What no app sees: the host's memory, its keys, and what tells of other processes. */
export const MASKED_PATHS: readonly string[] = [
  ...['/proc/acpi', '/proc/asound', '/proc/config.gz', '/proc/interrupts', '/proc/kallsyms', '/proc/kcore'],
  ...['/proc/keys', '/proc/kmem', '/proc/latency_stats', '/proc/mem', '/proc/sched_debug', '/proc/scsi'],
  ...['/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware'],
  ...['/sys/hypervisor', '/sys/module', '/sys/power'],
];

/** What apps can read and not change, since it is the host's. */
export const READONLY_PATHS: readonly string[] = [
  ...['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
];
