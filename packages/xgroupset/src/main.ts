import {
  type AdminOptions,
  idOperand,
  parseCommandLine,
  runVerb,
  start,
  takeVerb,
  type Verb,
} from '@xcpu/libxcpu/cli';

interface Options extends AdminOptions {
  readonly local?: boolean;
}

const TEXT = {
  name: 'xgroupset',
  usage: ['[add] NODES GROUP GID', 'delete NODES GROUP', 'flush NODES', 'add|delete -u NODES'],
  summary: `Tells nodes about groups. A node must know a group before the users who have it as their default group.
flush removes all groups and all users.`,
  examples: [
    ["xgroupset 'n[8-11]' staff 500", 'group staff, number 500, on four nodes'],
    ["xgroupset add -u 'n[8-11]'", "all of this machine's groups"],
    ['xgroupset delete n8 staff', 'n8 forgets the group'],
  ],
} as const;

const VERBS = {
  add: {
    operands: ['GROUP', 'GID'],
    commands: (group = '', gid = '') => [
      { command: 'group-add', group, gid: idOperand('GID', gid) },
    ],
  },
  delete: {
    operands: ['GROUP'],
    commands: (group = '') => [{ command: 'group-del', group }],
  },
  flush: { operands: [], commands: () => [{ command: 'group-flush' }] },
} as const satisfies Record<string, Verb>;
type VerbName = keyof typeof VERBS;

start('xgroupset', main);

async function main(args: readonly string[]): Promise<number> {
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .option(
        '-A, --admin-key <FILE>',
        'key of the administrator ($XCPU_ADMIN_KEY, /etc/xcpu/admin_key)',
      )
      .option('-u, --local', "all of this machine's groups; those that a node has already stay");
  });
  const names = Object.keys(VERBS) as VerbName[];
  const { verb, operands: rest } = takeVerb(operands, names, 'add');
  return runVerb('xgroupset', options.local ? await localVerb(verb) : VERBS[verb], rest, options);
}

async function localVerb(verb: VerbName): Promise<Verb> {
  const { localGroups, UsageError } = await import('@xcpu/libxcpu');
  if (verb === 'flush') throw new UsageError('-u does not go with flush, which removes all groups');
  const groups = localGroups();
  return {
    operands: [],
    keepsExisting: true,
    commands: () =>
      verb === 'add' ? groups : groups.map(({ group }) => ({ command: 'group-del', group })),
  };
}
