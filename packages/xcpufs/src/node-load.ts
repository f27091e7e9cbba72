import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { NodeLoad } from '@xcpu/xcpu-protocol';

/** How busy this machine is now. What /proc does not tell is left out: proc(5). */
export function nodeLoad(): NodeLoad {
  const [load1, load5, load15] = numbers(readProc('loadavg'));
  const [uptime] = numbers(readProc('uptime'));
  const memory = readProc('meminfo');
  const all = {
    ...{ load1, load5, load15, cpus: availableParallelism() },
    memtotal: memoryLine(memory, 'MemTotal'),
    memavailable: memoryLine(memory, 'MemAvailable'),
    uptime: uptime && Math.floor(uptime),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** In bytes; /proc has kilobytes. */
function memoryLine(text: string, name: string): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function numbers(text: string): (number | undefined)[] {
  return text.split(' ').map((word) => (/^\d+(\.\d+)?$/.test(word) ? Number(word) : undefined));
}

function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'latin1').trimEnd();
  } catch {
    return '';
  }
}
