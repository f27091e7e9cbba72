import { readFile } from 'node:fs/promises';
import type { Image } from './image.js';

export interface Machine {
  readonly image: Image;
  /** In MiB. */
  readonly memory: number;
  /** Where connections to this machine go: host, port, and the port of the guest. */
  readonly forwards: readonly (readonly [host: string, from: number, to: number])[];
  /** In the environment of the guest's first process. Values must be free of quotes. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the serial line is for a person at this terminal, rather than for a program to read. */
  readonly interactive: boolean;
}

/** The command line of QEMU for a machine that it emulates: hardware that helps is missing where tests run. */
export async function qemuCommand(machine: Machine): Promise<string[]> {
  const { image, memory, forwards, interactive } = machine;
  const forwarded = forwards.map(([host, from, to]) => `,hostfwd=tcp:${host}:${from}-:${to}`);
  return [
    'qemu-system-x86_64',
    ...['-machine', 'microvm', '-accel', 'tcg', '-smp', '1', '-m', String(memory)],
    // Without rdrand Node.js waits for a second until the kernel has gathered enough randomness.
    ...['-cpu', 'qemu64,+rdrand'],
    ...['-nodefaults', '-no-user-config', '-nographic', '-no-reboot'],
    ...(interactive ? ['-serial', 'mon:stdio'] : ['-serial', 'stdio', '-monitor', 'none']),
    ...['-netdev', `user,id=net,restrict=off${forwarded.join('')}`],
    ...['-device', 'virtio-net-device,netdev=net'],
    ...['-kernel', image.kernel.vmlinux, '-initrd', image.initramfs],
    ...['-append', await kernelCommandLine(machine.environment)],
  ];
}

async function kernelCommandLine(environment: Machine['environment']): Promise<string> {
  const variables = Object.entries(environment).map(([name, value]) => `${name}="${value}"`);
  return [
    'console=ttyS0 quiet',
    // What takes time and shows nothing here.
    'mitigations=off nokaslr no_timer_check cryptomgr.notests audit=0 selinux=0 apparmor=0 nowatchdog',
    // This kind of machine has nothing to measure the clock by: boots hang now and then.
    `tsc_early_khz=${await kilohertz()}`,
    ...variables,
  ].join(' ');
}

/** How fast this machine's clock counts, which the emulated one passes on. */
async function kilohertz(): Promise<number> {
  const megahertz = /^cpu MHz\s*: ([\d.]+)$/m.exec(await readFile('/proc/cpuinfo', 'utf8'))?.[1];
  return Math.round(Number(megahertz ?? 2000) * 1000);
}
