import { idOperand, runAdminCommand, start, type Verb } from '@xcpu/libxcpu/cli';

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

const LOCAL_HELP = "all of this machine's groups; those that a node has already stay";

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

start('xgroupset', (args) =>
  runAdminCommand({ text: TEXT, verbs: VERBS, localHelp: LOCAL_HELP, localVerb }, args),
);

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
