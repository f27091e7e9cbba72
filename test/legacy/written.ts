import { MessageType } from '@xcpu/9p-protocol';
import { parseEnvironment } from '@xcpu/xcpu-protocol';
import type { Transcript } from './transcripts.js';

/** The texts that a client wrote into a session, and its commands for the node. */
export interface Written {
  env: string;
  argv: string;
  ns: string;
  ctl: string;
  stdin: string;
}

/** What the recorded client wrote into its session's files, and to the node's ctl up to each write's NUL. */
export function recordedWrites({ events }: Transcript): { session: Written; node: string[] } {
  const session: Written = { env: '', argv: '', ns: '', ctl: '', stdin: '' };
  const node: string[] = [];
  const paths = new Map<string, string>();
  for (const event of events) {
    if (event.kind !== 'request') continue;
    const { connection, message } = event;
    if (message.type === MessageType.Twalk) {
      paths.set(`${connection} ${message.newfid}`, message.names.join('/'));
    } else if (message.type === MessageType.Twrite) {
      const path = paths.get(`${connection} ${message.fid}`) ?? 'afid';
      const text = Buffer.from(message.data).toString('latin1');
      const file = /^\d+\/(.*)$/.exec(path)?.[1];
      if (file) session[file as keyof Written] += text;
      else if (path === 'ctl') node.push(text.split('\0')[0]!);
    }
  }
  return { session, node };
}

/** A namespace program without what means nothing in it: one blank between words, no empty lines. */
export function foldNamespace(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/[ \t]+/g, ' '));
  return lines.filter((line) => line !== '').join('\n');
}

/** What ours says beside legacy's variables. */
const ADDED = /^XCPU_(RANK|SIZE|NODELIST)$/;

/** The variables of an env file by name, without what ours adds, addresses as `ADDRESS`: those are of the run. */
export function foldEnvironment(text: string): Record<string, string> {
  const entries = parseEnvironment(text).filter(([name]) => !ADDED.test(name));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value.replace(/^[\d.]+!\d+$/, 'ADDRESS')]),
  );
}
