import { idOperand, runAdminCommand, start, type Verb } from '@xcpu/libxcpu/cli';

const TEXT = {
  name: 'xuserset',
  usage: [
    '[add] NODES USER UID GROUP KEYFILE',
    'delete NODES USER',
    'flush NODES',
    'addgroup|delgroup NODES USER GROUP',
    'add|delete -u NODES',
    '--from FILE [--sync] NODES',
  ],
  summary: `Tells nodes about users, so that they can run programs there. KEYFILE is the user's ssh public
key (~/.ssh/id_rsa.pub; C nodes take RSA keys only), GROUP his default group, which the nodes must know (xgroupset).
flush removes all users.`,
  details: `FILE has a line for each user, NAME UID GROUP[,GROUP...] KEY, as in

  alice 5000 staff,video ~/keys/alice.pub
  bob   5001 staff       ssh-rsa AAAAB3NzaC1yc2E... bob@work

The first group is the default one. KEY is a public key, or a file that has one,
named from where FILE is. A colon does where a blank is. # begins a comment.
What a node lacks is added, and what it has otherwise is reported. With --sync
the nodes get the users of FILE and no others; xcpu-admin, nobody and the user
who is logged in stay as they are.
`,
  examples: [
    ["xuserset 'n[8-11]' alice 1000 staff alice_rsa.pub", 'alice on four nodes'],
    ["xuserset addgroup 'n[8-11]' alice video", 'one group more'],
    ["xuserset add -u 'n[8-11]'", 'local users with ssh keys'],
    ['xuserset delete n8 alice', 'n8 forgets her'],
    ['xuserset --from users.txt -a', 'what nodes that are up lack'],
    ["xuserset --from users.txt --sync 'n[8-11]'", 'these users, no others'],
  ],
} as const;

const LOCAL_HELP = 'every local user with ~/.ssh/id_{rsa,ed25519,ecdsa}.pub; those on a node stay';

const SITE_HELP = 'add the users of a file, or of stdin for -';

const VERBS = {
  add: {
    operands: ['USER', 'UID', 'GROUP', 'KEYFILE'],
    commands: async (user = '', uid = '', group = '', keyFile = '') => {
      const { readPublicKey } = await import('@xcpu/libxcpu');
      const key = readPublicKey(keyFile);
      return [{ command: 'user-add', user, uid: idOperand('UID', uid), group, key }];
    },
  },
  delete: { operands: ['USER'], commands: (user = '') => [{ command: 'user-del', user }] },
  flush: { operands: [], commands: () => [{ command: 'user-flush' }] },
  addgroup: {
    operands: ['USER', 'GROUP'],
    commands: (user = '', group = '') => [{ command: 'user-add-group', user, group }],
  },
  delgroup: {
    operands: ['USER', 'GROUP'],
    commands: (user = '', group = '') => [{ command: 'user-del-group', user, group }],
  },
} as const satisfies Record<string, Verb>;
type VerbName = keyof typeof VERBS;

start('xuserset', (args) =>
  runAdminCommand(
    {
      text: TEXT,
      verbs: VERBS,
      localHelp: LOCAL_HELP,
      localVerb,
      siteHelp: SITE_HELP,
      sitePlanner: async (file, options) =>
        (await import('@xcpu/libxcpu')).usersPlanner(file, options),
    },
    args,
  ),
);

async function localVerb(verb: VerbName): Promise<Verb> {
  const { localUsers, SetupError, UsageError } = await import('@xcpu/libxcpu');
  if (verb !== 'add' && verb !== 'delete') throw new UsageError(`-u does not go with ${verb}`);
  const users = localUsers();
  if (users.length === 0)
    throw new SetupError(
      'no local user has a key in ~/.ssh/id_rsa.pub, id_ed25519.pub or id_ecdsa.pub',
    );
  return {
    operands: [],
    keepsExisting: true,
    commands: () =>
      verb === 'add' ? users : users.map(({ user }) => ({ command: 'user-del', user })),
  };
}
