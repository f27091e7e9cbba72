import { idOperand, runAdminCommand, start, type Verb } from '@xcpu/libxcpu/cli';

const TEXT = {
  name: 'xgroupset',
  usage: [
    '[add] NODES GROUP GID',
    'delete NODES GROUP',
    'flush NODES',
    'add|delete -u NODES',
    '--from FILE [--sync] NODES',
  ],
  summary: `Tells nodes about groups. A node must know a group before the users who have it as their default group.
flush removes all groups and all users.`,
  details: `FILE has a line for each group, as in

  staff 5000

Lines of /etc/group do, too; their members mean nothing here. # begins a
comment. What a node lacks is added, and a group that has another number there
is reported. With --sync the nodes get the groups of FILE and no others; a group
goes with its members' membership, but stays as long as it is the default group
of a user: where both are to go, xuserset --sync comes first.
`,
  examples: [
    ["xgroupset 'n[8-11]' staff 500", 'staff, number 500'],
    ["xgroupset add -u 'n[8-11]'", "all of this machine's groups"],
    ['xgroupset delete n8 staff', 'n8 forgets the group'],
    ['xgroupset --from groups.txt -a', 'what nodes that are up lack'],
    ["xgroupset --from groups.txt --sync 'n[8-11]'", 'these groups, no others'],
  ],
} as const;

const LOCAL_HELP = "all of this machine's groups; those that a node has already stay";

const SITE_HELP = 'add the groups of a file, or of stdin for -';

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
  runAdminCommand(
    {
      text: TEXT,
      verbs: VERBS,
      localHelp: LOCAL_HELP,
      localVerb,
      siteHelp: SITE_HELP,
      sitePlanner: async (file, options) =>
        (await import('@xcpu/libxcpu')).groupsPlanner(file, options),
    },
    args,
  ),
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
