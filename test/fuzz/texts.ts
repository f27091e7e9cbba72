import type { Random } from './random.js';

/** What a client might write into a node's `ctl`, right or wrong; several lines. */
export function nodeCommands(random: Random): string {
  return lines(random, NODE_COMMANDS);
}

/** The same for a session's `ctl`, without what would end it at once. */
export function sessionCommands(random: Random): string {
  return lines(random, SESSION_COMMANDS);
}

/** Text for `env`. */
export function environment(random: Random): string {
  return soup(random, ['A=b\n', "'X=a b'\n", 'PATH=/bin\n', 'IFS=x\n', 'UID=0\n', '=x\n', ...ODD]);
}

/** Text for `argv`, and whatever is not meant for a parser. */
export function argv(random: Random): string {
  return soup(random, ['/bin/true ', "'a b' ", "'' ", "'it''s' ", 'up', ...ODD]);
}

/** Text for `ns`. */
export function namespace(random: Random): string {
  return soup(random, [...NAMESPACE_WORDS, ...ODD]);
}

/** Whole lines, and the words that lines are made of. */
const NAMESPACE_WORDS = [
  ...['cd /\n', 'cd tmp\n', 'unshare\n', 'bind /a /b\n', 'bind -r -o ro /usr /mnt\n', 'chroot .\n'],
  ...['import $XCPUTSADDR /mnt\n', 'import -o ro session!term /mnt\n', 'cache -- h!7 /opt # why\n'],
  ...['mkdir /tmp/a/b\n', 'tmpfs /tmp size=1m,mode=700\n', 'umount /tmp\n', 'mount a b c d\n'],
  ...['cd ', 'bind ', 'import ', 'cache ', 'mkdir ', 'tmpfs ', 'umount ', 'chroot ', 'mount '],
  ...['-r ', '-o ', '-o ro ', 'ro ', '-- ', '# ', '#', '-', '/tmp ', 'session!term '],
];

/** Pieces that parsers stumble over. */
const ODD = [
  ' ',
  '\n',
  '\t',
  '\0',
  "'",
  "''",
  '=',
  '$A',
  '$',
  '/',
  '..',
  ',',
  ':',
  '\\',
  '"',
  'é',
  '\u2028',
  '\ud83d',
  '\x7f',
  '4294967296',
  '-1',
  '0x10',
  '1e3',
  'a'.repeat(300),
];

const KEY = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwEAAQ==';

const NODE_COMMANDS = [
  'group-add crew 41200',
  'group-add fuzzers 41100',
  `user-add u1 41050 crew '${KEY} me'`,
  `user-add u2 41051 crew ${KEY}`,
  'user-add-group fuzz crew',
  'user-del-group fuzz crew',
  'user-del u1',
  `user-key u1 '${KEY} other'`,
  'user-key u1',
  'user-del',
  'group-del crew',
  'group-del nothing',
  'user-flush',
  'group-flush',
  'kill 0 4194305',
  '',
  'unknown',
];

const SESSION_COMMANDS = [
  'id job/3',
  'id /',
  'id a/b/c',
  'type persistent',
  'type normal',
  'type x',
  'close stdin',
  'close stdout',
  'close',
  'redirect stdout /dev/null',
  'redirect stdin /nonexistent',
  'redirect',
  'signal 0',
  'signal SIGTERM',
  'signal 99',
  'connect 127.0.0.1!1/2:00000000000000000000000000000000',
  'exec',
  "exec '/bin/true'",
  'exec echo',
];

/** Whole commands most of the time, else with something odd in the middle. */
function lines(random: Random, commands: readonly string[]): string {
  let text = '';
  for (let count = random.int(4); count >= 0; count--) {
    const command = random.pick(commands);
    const at = random.int(command.length + 1);
    const odd = random.once(3) && !/^(kill|connect)/.test(command);
    text += odd ? command.slice(0, at) + random.pick(ODD) + command.slice(at) : command;
    if (!random.once(8)) text += '\n';
  }
  return text;
}

function soup(random: Random, pieces: readonly string[]): string {
  let text = '';
  for (let count = random.int(12); count >= 0; count--) text += random.pick(pieces);
  return text;
}
