import { lookupEnvironment, parseEnvironment } from '@xcpu/xcpu-protocol';
import type { LegacySession, Program } from './legacy-session.js';

/** When the recorded `date` ran. */
export const RECORDED_DATE = 'Fri Nov 20 22:56:35 UTC 2026\n';

/** The recorded programs, doing what they did then. */
export function programFor(argv: readonly string[]): Program {
  const program = PROGRAMS[argv.join(' ')];
  return program ?? ((session) => ended(session, 256 * 22, '', 'No such file or directory\n'));
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  '/bin/true': (session) => ended(session, 0),
  '/bin/date': (session) => ended(session, 0, RECORDED_DATE),
  '/usr/bin/env': (session) => ended(session, 0, environmentOf(session)),
  '/bin/sh -c echo out; echo err >&2; exit 3': (session) =>
    ended(session, 3 * 256, 'out\n', 'err\n'),
  '/bin/cat': copyInput,
  '/bin/sh -c echo one; echo two >&2; cat': (session) => {
    session.stdout.push('one\n');
    session.stderr.push('two\n');
    copyInput(session);
  },
  '/bin/sleep 101': (session) => {
    session.onSignal = (signal) => session.exit(signal);
  },
};

function ended(session: LegacySession, status: number, stdout = '', stderr = ''): void {
  session.stdout.push(stdout);
  session.stderr.push(stderr);
  session.exit(status);
}

function copyInput(session: LegacySession): void {
  session.onInput = (data) => {
    if (data === undefined) session.exit(0);
    else session.stdout.push(data);
  };
}

/** The first of several equal names wins, blank lines go. */
function environmentOf({ env }: LegacySession): string {
  const entries = parseEnvironment(env);
  const names = [...new Set(entries.map(([name]) => name))];
  return names.map((name) => `${name}=${lookupEnvironment(entries, name)}\n`).join('');
}
