import {
  type Dialect,
  MessageType,
  NOFID,
  NONUNAME,
  NOTAG,
  type TMessage,
} from '@xcpu/9p-protocol';
import { signChallenge } from '@xcpu/xcpu-protocol';
import { chunked, harmless, mutated } from './mutate.js';
import { Random } from './random.js';
import { adminSeeds, CLONE_FID, ROOT_FID, type SeedContext, userSeeds } from './seeds.js';
import { linuxSeeds } from './seeds-linux.js';
import { type Mode, Target, USER } from './target.js';
import { type Counts, Wire } from './wire.js';

/** Cases that run at the same time. */
const PARALLEL = 8;
/** Cases between two checks that a fresh client is served. */
const ROUND = 400;
/** Connections that a case leaves in the middle of something, at the most. */
const MAX_LINGERING = 50;
/** Failures of one daemon that are told. */
const MAX_REPORTS = 3;
/** What a daemon may take after all that, in bytes: as much as one whose program prints a gigabyte. */
const MEMORY_LIMIT = 150 * 1024 * 1024;
/** Pipes made ahead come and go, three for each program: a leak of one descriptor in a thousand cases is more. */
const DESCRIPTOR_SLACK = 32;

/** Runs cases against a daemon of its own, and looks at what they did to it. */
export class Fuzzer {
  readonly #mode: Mode;
  readonly #seed: number;
  readonly #seconds: number;
  readonly #counts: Counts;
  readonly #recent = new Map<number, { number: number; wire: Wire }>();
  readonly #lingering: Wire[] = [];
  #target!: Target;
  #cases = 0;
  #failures = 0;
  #repairing: Promise<void> | undefined;

  constructor(mode: Mode, seed: number, seconds: number, counts: Counts) {
    this.#mode = mode;
    this.#seed = seed;
    this.#seconds = seconds;
    this.#counts = counts;
  }

  async run(): Promise<void> {
    this.#target = await Target.start(this.#mode);
    try {
      // What is made once, such as code that is compiled, belongs to the baseline.
      await this.#round();
      await this.#settle();
      const before = this.#target.descriptors;
      const memoryBefore = this.#target.memory;
      const end = performance.now() + this.#seconds * 1000;
      while (performance.now() < end && this.#failures === 0) await this.#round();
      await this.#settle();
      const { descriptors, memory } = this.#target;
      console.log(
        `${this.#mode}: ${this.#cases} cases, descriptors ${before} → ${descriptors}, ` +
          `memory ${mebibytes(memoryBefore)} → ${mebibytes(memory)} MiB, no session left`,
      );
      if (descriptors > before + DESCRIPTOR_SLACK) this.#fail('descriptors were left open');
      if (memory > MEMORY_LIMIT) this.#fail(`more than ${mebibytes(MEMORY_LIMIT)} MiB are taken`);
    } catch (error) {
      this.#fail(String((error as Error).stack ?? error));
    } finally {
      await this.#target.stop();
    }
  }

  /** Some cases, then a look at the daemon. */
  async #round(): Promise<void> {
    const last = this.#cases + ROUND;
    const worker = async () => {
      while (this.#cases < last) await this.#case(this.#cases++);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    this.#inspect();
    await this.#serves();
    this.#recent.clear();
  }

  /** Looks more than once: what a case sent last may still be on its way, and remove the user who is served. */
  async #serves(looks = 3): Promise<void> {
    try {
      await this.#target.reset();
      await this.#target.serves();
    } catch (error) {
      if (looks === 1) throw error;
      await this.#serves(looks - 1);
    }
  }

  async #settle(): Promise<void> {
    for (const wire of this.#lingering.splice(0)) wire.destroy();
    await this.#target.drained();
    // The last connections of clients that left are being cleaned up.
    await new Promise((resolve) => setTimeout(resolve, 500));
    this.#inspect();
  }

  async #case(number: number): Promise<void> {
    const random = new Random(Math.imul(this.#seed, 31) + number);
    const dialect: Dialect = random.once(3) ? '9P2000.L' : '9P2000.u';
    const wire = await Wire.open(this.#target.daemon, this.#counts, dialect);
    this.#recent.set(wire.port, { number, wire });
    const uname = random.once(3) ? 'xcpu-admin' : USER.name;
    const messages = random.once(8)
      ? strangersLogin(uname, dialect, random)
      : await this.#conversation(wire, uname, random);
    if (!messages) return wire.destroy();
    const others = conversation(uname, dialect, { random, uname, sid: '0' });
    const bytes = Buffer.concat(mutated(messages, others, dialect, random));
    if (harmless(bytes)) {
      for (const chunk of chunked(bytes, random)) {
        wire.send(chunk);
        if (random.once(4)) await new Promise((resolve) => setImmediate(resolve));
      }
      await wire.quiet();
    }
    this.#leave(wire, random);
  }

  /** Logs in as a client should; undefined if another case has just removed the user. */
  async #conversation(wire: Wire, uname: string, random: Random) {
    if (!(await logIn(wire, uname, this.#target))) {
      await this.#repair();
      return undefined;
    }
    const sid = await makeSession(wire);
    if (sid === undefined) return undefined;
    return conversation(uname, wire.dialect, { random, uname, sid });
  }

  #leave(wire: Wire, random: Random): void {
    const ways = [
      () => wire.end(),
      () => wire.destroy(),
      () => {
        wire.send(random.bytes(random.int(4)));
        wire.destroy();
      },
      () => this.#lingering.push(wire),
    ];
    random.pick(ways)();
    while (this.#lingering.length > MAX_LINGERING) this.#lingering.shift()?.destroy();
  }

  #repair(): Promise<void> {
    this.#repairing ??= this.#target.reset().finally(() => {
      this.#repairing = undefined;
    });
    return this.#repairing;
  }

  #inspect(): void {
    const { daemon } = this.#target;
    for (const line of daemon.log.split('\n')) {
      if (!/^\S+ internal error|^xcpufs: |^\s+at /.test(line)) continue;
      const port = Number(/client=\S*!(\d+)/.exec(line)?.[1]);
      const culprit = this.#recent.get(port);
      if (culprit) this.#reproduce(culprit.wire, culprit.number, line);
      else this.#fail(line);
    }
    daemon.log = '';
    if (!daemon.running) this.#fail('the daemon ended');
  }

  #reproduce(wire: Wire, number: number, detail: string): void {
    // The first few tell enough.
    if (this.#failures >= MAX_REPORTS) return;
    this.#fail(`${detail}\n  case ${number}, sent:\n  ${Buffer.concat(wire.sent).toString('hex')}`);
  }

  #fail(reason: string): void {
    console.error(`fuzz (${this.#mode}): ${reason}`);
    process.exitCode = 1;
    this.#failures++;
  }
}

/** What a case starts from. */
function conversation(uname: string, dialect: Dialect, context: SeedContext): TMessage[] {
  if (dialect === '9P2000.L') return context.random.pick(linuxSeeds)(context);
  const seeds = uname === USER.name ? userSeeds : [...adminSeeds, ...userSeeds.slice(-4)];
  return context.random.pick(seeds)(context);
}

const TAG = 9000;

function version(dialect: Dialect): TMessage {
  return { type: MessageType.Tversion, tag: NOTAG, msize: 32_792, version: dialect };
}

const AFID = 50;

async function logIn(wire: Wire, uname: string, target: Target): Promise<boolean> {
  const who = { uname, aname: '', nUname: NONUNAME };
  await wire.request(version(wire.dialect));
  await wire.request({ type: MessageType.Tauth, tag: TAG, afid: AFID, ...who });
  const read = { type: MessageType.Tread, tag: TAG, fid: AFID, offset: 0, count: 16 } as const;
  const challenge = await wire.request(read);
  if (challenge?.type !== MessageType.Rread) return false;
  const data = signChallenge(challenge.data, target.key(uname));
  await wire.request({ type: MessageType.Twrite, tag: TAG, fid: AFID, offset: 0, data });
  const type = MessageType.Tattach;
  const attached = await wire.request({ type, tag: TAG, fid: ROOT_FID, afid: AFID, ...who });
  return attached?.type === MessageType.Rattach;
}

async function makeSession(wire: Wire): Promise<string | undefined> {
  const fid = CLONE_FID;
  const names = ['clone'];
  await wire.request({ type: MessageType.Twalk, tag: TAG, fid: ROOT_FID, newfid: fid, names });
  await wire.request(
    wire.dialect === '9P2000.L'
      ? { type: MessageType.Tlopen, tag: TAG, fid, flags: 0 }
      : { type: MessageType.Topen, tag: TAG, fid, mode: 0 },
  );
  const read = { type: MessageType.Tread, tag: TAG, fid, offset: 0, count: 16 } as const;
  const sid = await wire.request(read);
  return sid?.type === MessageType.Rread ? Buffer.from(sid.data).toString() : undefined;
}

/** Logging in with a proof that is none, and going on as if it were one. */
function strangersLogin(uname: string, dialect: Dialect, random: Random): TMessage[] {
  const who = { uname, aname: '', nUname: NONUNAME };
  const afid = random.pick([AFID, NOFID]);
  const data = random.bytes(random.pick([20, 256]));
  return [
    version(dialect),
    { type: MessageType.Tauth, tag: 1, afid: AFID, ...who },
    { type: MessageType.Tread, tag: 2, fid: AFID, offset: 0, count: 16 },
    { type: MessageType.Twrite, tag: 3, fid: AFID, offset: 0, data },
    { type: MessageType.Tattach, tag: 4, fid: ROOT_FID, afid, ...who },
    ...conversation(uname, dialect, { random, uname, sid: '0' }),
  ];
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
