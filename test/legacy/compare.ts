import { decodeStats, MessageType, type Qid, type RMessage, type Stat } from '@xcpu/9p-protocol';
import { type ProcessEntry, parseEnvironment, parseProcessList } from '@xcpu/xcpu-protocol';
import type { Exchange, FileUse } from './replay.js';

/** Where our server answers otherwise than the historic one did. */
export interface Mismatch {
  readonly transcript: string;
  /** The file that the request was about, as in {@link FileUse.path}. */
  readonly file: string;
  /** What differs: `no answer`, `type`, `error`, `msize`, `iounit`, `qid`, `count`, `data`, `pieces`, … */
  readonly what: string;
  readonly recorded: string;
  readonly ours: string;
}

/**
 * Everything in which the two answers of the exchanges differ: types, errors, counts and data are to be equal.
 *
 * Not compared are qid versions; qid paths are to name the same files as the recorded ones do, whatever their
 * value. Data that cannot be equal are compared by {@link RULES}.
 */
export function compare(
  transcript: string,
  exchanges: readonly Exchange[],
  sessions: ReadonlyMap<string, string>,
): Mismatch[] {
  const found: Mismatch[] = [];
  const qids = new QidMap();
  for (const { recorded, reply, recordedRequest, request, file } of exchanges) {
    if (!recorded) continue;
    const differ = (what: string, left: unknown, right: unknown) => {
      const [recordedText, ours] = [show(left), show(right)];
      if (recordedText !== ours) {
        found.push({ transcript, file: file.path, what, recorded: recordedText, ours });
      }
    };
    if (!reply) {
      differ('no answer', describe(recorded), 'none');
    } else if (recorded.type !== reply.type) {
      differ('type', describe(recorded), describe(reply));
    } else {
      compareReplies(recorded, reply, differ, qids);
      if (recorded.type === MessageType.Rwrite && reply.type === MessageType.Rwrite) {
        const missing = lengthOf(recordedRequest) - recorded.count;
        differ('count', missing, lengthOf(request) - reply.count);
      }
    }
  }
  for (const [file, reads] of readsByFile(exchanges)) {
    const rule = RULES.find(({ path }) => path.test(`${transcript}:${file.path}`))?.rule ?? exactly;
    rule({ transcript, file: file.path, reads, sessions }, (what, left, right) => {
      const [recorded, ours] = [show(left), show(right)];
      if (recorded !== ours) found.push({ transcript, file: file.path, what, recorded, ours });
    });
  }
  return found;
}

type Differ = (what: string, recorded: unknown, ours: unknown) => void;

/** All reads through one fid, in order. */
interface Reads {
  readonly transcript: string;
  readonly file: string;
  readonly reads: readonly { readonly recorded: Uint8Array; readonly ours: Uint8Array }[];
  readonly sessions: ReadonlyMap<string, string>;
}

/** How the data of files are compared that cannot be equal; by transcript and path, the first that fits. */
const RULES: readonly {
  readonly path: RegExp;
  readonly rule: (reads: Reads, differ: Differ) => void;
}[] = [
  // 16 random bytes.
  { path: /:afid$/, rule: lengths },
  // Encrypted for our key, which is as long as the recorded one.
  { path: /:passkey$/, rule: lengths },
  // The sessions' ids are ours; the replay learned which is which.
  { path: /:clone$/, rule: sessionIds },
  // A date in the form of C's locale.
  { path: /^xrx_date:N\/stdout$/, rule: dates },
  { path: /^xrx_(jobid|n1_.*):N\/stdout$/, rule: environments },
  { path: /:N\/(stdout|stderr)$/, rule: streams },
  { path: /:(pwent|grent)$/, rule: inPieces },
  { path: /:procs$/, rule: processLists },
  { path: /^xstat:state$/, rule: nodeStates },
  { path: /:\/$/, rule: directories },
];

function exactly({ reads }: Reads, differ: Differ): void {
  for (const { recorded, ours } of reads) differ('data', text(recorded), text(ours));
}

function lengths({ reads }: Reads, differ: Differ): void {
  for (const { recorded, ours } of reads) differ('count', recorded.length, ours.length);
}

function sessionIds({ reads, sessions }: Reads, differ: Differ): void {
  for (const { recorded, ours } of reads) {
    differ('data', sessions.get(text(recorded)) ?? '', text(ours));
    differ('decimal', true, /^\d*$/.test(text(ours)));
  }
}

/** How output is cut into answers is a matter of timing; the end of the stream is not. */
function streams({ reads }: Reads, differ: Differ): void {
  const { recorded, ours } = joined(reads);
  differ('data', recorded, ours);
  differ('end', reads.at(-1)?.recorded.length === 0, reads.at(-1)?.ours.length === 0);
}

function dates({ reads }: Reads, differ: Differ): void {
  const { recorded, ours } = joined(reads);
  const form = /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d ([AP]M )?\w+ \d{4}\n$/;
  differ('data', form.test(recorded), form.test(ours));
}

/** What the client set and what the node adds for the session; the node's own variables are its own affair. */
function environments({ reads, sessions }: Reads, differ: Differ): void {
  const pick = (from: string) => {
    const entries = parseEnvironment(from).filter(([name]) => name.startsWith('XCPU'));
    return Object.fromEntries(entries.sort());
  };
  const { recorded, ours } = joined(reads);
  const wanted = pick(recorded);
  const got = pick(ours);
  wanted.XCPUSID = sessions.get(wanted.XCPUSID ?? '') ?? '';
  for (const entry of [wanted, got]) {
    entry.XCPU_PARENT = (entry.XCPU_PARENT ?? '').replace(/^[\d.]+!\d+$/, 'ADDRESS');
  }
  const more = Object.keys(got).filter((name) => !(name in wanted));
  for (const name of more) delete got[name];
  differ('data', wanted, got);
  differ('more variables', [], more);
  differ('own variables', true, /^HOME=/m.test(ours) && /^PATH=/m.test(ours));
}

/** One answer holds all of it or the next one the rest; both ways a client that reads to the end has it. */
function inPieces({ reads }: Reads, differ: Differ): void {
  const { recorded, ours } = joined(reads);
  differ('data', recorded.split('\n').sort(), ours.split('\n').sort());
  const pieces = (side: 'recorded' | 'ours') => reads.map((read) => read[side].length > 0);
  differ('pieces', pieces('recorded'), pieces('ours'));
}

/**
 * The line of field names to the letter, and of each line what does not depend on the machine and its moment:
 * of sessions' processes all fields that say who and what they are, of the daemon that it is there once.
 */
function processLists({ reads, sessions }: Reads, differ: Differ): void {
  const { recorded, ours } = joined(reads);
  differ('header', recorded.split('\n')[0], ours.split('\n')[0]);
  const [wanted, got] = [parseProcessList(recorded), parseProcessList(ours)];
  differ('lines', ours.trimEnd().split('\n').length - 1, got.length);
  const daemons = (list: readonly ProcessEntry[]) =>
    list.some(({ cmdline }) => cmdline.some((word) => /(^|\/)xcpufs$/.test(word)));
  differ('daemon', daemons(wanted), daemons(got));
  const inSessions = (list: readonly ProcessEntry[]) => list.filter(({ xcpusid }) => xcpusid);
  const identity = ({ cmdline, state, tty, tpgid, nice, xcpujid, xcpusid }: ProcessEntry) => ({
    ...{ cmdline, state, tty, tpgid, nice, xcpujid, xcpusid },
  });
  const users = ({ euid, suid, fsuid }: ProcessEntry) => ({ euid, suid, fsuid });
  const groups = ({ egid, sgid, fsgid }: ProcessEntry) => ({ egid, sgid, fsgid });
  const mapped = inSessions(wanted).map((entry) => ({
    ...entry,
    xcpusid: sessions.get(entry.xcpusid) ?? '',
  }));
  const mine = inSessions(got);
  differ('sessions', mapped.map(identity), mine.map(identity));
  differ('users', mapped.map(users), mine.map(users));
  differ('groups', mapped.map(groups), mine.map(groups));
  const sizes = ({ vmsize, rssize, datsize }: ProcessEntry) =>
    [vmsize, rssize, datsize].map(Boolean);
  differ('sizes', mapped.map(sizes), mine.map(sizes));
  differ('own group', mapped.map(leads), mine.map(leads));
}

function leads({ pid, pgrp }: ProcessEntry): boolean {
  return pid === pgrp;
}

/** The nodes are others; how they are written, and all that is known of them, is not. */
function nodeStates({ reads }: Reads, differ: Differ): void {
  const { recorded, ours } = joined(reads);
  const places = (text: string) => text.replace(/(?<=\t(tcp!)?)[\d.]+!\d+(?=\t)/g, 'ADDRESS');
  differ('data', places(recorded), places(ours));
}

/** Entries by name, sessions left out; times are the machine's own. */
function directories({ reads }: Reads, differ: Differ): void {
  const entries = (side: 'recorded' | 'ours') => {
    const bytes = Buffer.concat(reads.map((read) => read[side]));
    const stats = decodeStats(bytes, '9P2000.u').filter(({ name }) => !/^\d+$/.test(name));
    return new Map(stats.map((stat) => [stat.name, stat]));
  };
  const [wanted, got] = [entries('recorded'), entries('ours')];
  const line = ({ mode, qid, uid, gid, muid, nUid, nGid, nMuid }: Stat) =>
    `${mode.toString(8)} qid ${qid.type} ${uid} ${gid} ${muid} ${nUid} ${nGid} ${nMuid}`;
  for (const [name, stat] of wanted) {
    const ours = got.get(name);
    differ(`entry ${name}`, line(stat), ours && line(ours));
    differ(`length ${name}`, stat.length, ours?.length);
  }
  differ('names', [...wanted.keys()].sort(), [...got.keys()].sort());
}

function compareReplies(recorded: RMessage, reply: RMessage, differ: Differ, qids: QidMap): void {
  switch (recorded.type) {
    case MessageType.Rerror:
      if (reply.type === recorded.type) differ('error', describe(recorded), describe(reply));
      return;
    case MessageType.Rversion:
      if (reply.type !== recorded.type) return;
      differ('msize', recorded.msize, reply.msize);
      differ('version', recorded.version, reply.version);
      return;
    case MessageType.Rauth:
      if (reply.type === recorded.type) compareQids([recorded.aqid], [reply.aqid], differ, qids);
      return;
    case MessageType.Rattach:
      if (reply.type === recorded.type) compareQids([recorded.qid], [reply.qid], differ, qids);
      return;
    case MessageType.Rwalk:
      if (reply.type === recorded.type) compareQids(recorded.qids, reply.qids, differ, qids);
      return;
    case MessageType.Ropen:
      if (reply.type !== recorded.type) return;
      compareQids([recorded.qid], [reply.qid], differ, qids);
      differ('iounit', recorded.iounit, reply.iounit);
      return;
  }
}

function compareQids(
  recorded: readonly Qid[],
  ours: readonly Qid[],
  differ: Differ,
  qids: QidMap,
): void {
  const types = (list: readonly Qid[]) => list.map(({ type }) => type);
  differ('qid types', types(recorded), types(ours));
  differ(
    'qid paths',
    true,
    recorded.every((qid, index) => qids.sameFile(qid, ours[index])),
  );
}

/** Which of our files stands for which recorded one: one for one. */
class QidMap {
  readonly #ours = new Map<unknown, unknown>();
  readonly #recorded = new Map<unknown, unknown>();

  sameFile(recorded: Qid, ours: Qid | undefined): boolean {
    if (!ours) return false;
    // The recorded authentication file shares its path, 0, with that of every other connection.
    if (recorded.type & 0x08) return true;
    if (!this.#ours.has(recorded.path) && !this.#recorded.has(ours.path)) {
      this.#ours.set(recorded.path, ours.path);
      this.#recorded.set(ours.path, recorded.path);
    }
    return this.#ours.get(recorded.path) === ours.path;
  }
}

function readsByFile(exchanges: readonly Exchange[]): Map<FileUse, Reads['reads'][number][]> {
  const files = new Map<FileUse, Reads['reads'][number][]>();
  for (const { recorded, reply, recordedRequest, file } of exchanges) {
    if (recordedRequest.type !== MessageType.Tread) continue;
    // What was read on to the end has no recorded counterpart.
    const theirs = recorded?.type === MessageType.Rread ? recorded.data : new Uint8Array();
    const ours = reply?.type === MessageType.Rread ? reply.data : new Uint8Array();
    const reads = files.get(file) ?? [];
    reads.push({ recorded: theirs, ours });
    files.set(file, reads);
  }
  return files;
}

function joined(reads: Reads['reads']): { recorded: string; ours: string } {
  return {
    recorded: text(Buffer.concat(reads.map(({ recorded }) => recorded))),
    ours: text(Buffer.concat(reads.map(({ ours }) => ours))),
  };
}

function describe(message: RMessage): string {
  return message.type === MessageType.Rerror
    ? `Rerror ${message.errno} ${message.ename}`
    : `type ${message.type}`;
}

function lengthOf(request: Exchange['request']): number {
  return request.type === MessageType.Twrite ? request.data.length : 0;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value));
}
