import { idOperand, runAdminCommand, start, type Verb } from '@xcpu/libxcpu/cli';

const TEXT = {
  name: 'xuserset',
  usage: [
    '[add] NODES USER UID GROUP KEYFILE',
    'delete NODES USER',
    'flush NODES',
    'addgroup|delgroup NODES USER GROUP',
    'add|delete -u NODES',
  ],
  summary: `Tells nodes about users, so that they can run programs there. KEYFILE is the user's public RSA key
(~/.ssh/id_rsa.pub), GROUP his default group, which the nodes must know (xgroupset). flush removes all users.`,
  examples: [
    ["xuserset 'n[8-11]' alice 1000 staff alice_rsa.pub", 'alice on four nodes'],
    ["xuserset addgroup 'n[8-11]' alice video", 'one group more'],
    ["xuserset add -u 'n[8-11]'", 'local users with RSA keys'],
    ['xuserset delete n8 alice', 'n8 forgets her'],
  ],
} as const;

const LOCAL_HELP = 'every local user with ~/.ssh/id_rsa.pub; those that a node has stay';

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
  runAdminCommand({ text: TEXT, verbs: VERBS, localHelp: LOCAL_HELP, localVerb }, args),
);

async function localVerb(verb: VerbName): Promise<Verb> {
  const { localUsers, SetupError, UsageError } = await import('@xcpu/libxcpu');
  if (verb !== 'add' && verb !== 'delete') throw new UsageError(`-u does not go with ${verb}`);
  const users = localUsers();
  if (users.length === 0) throw new SetupError('no local user has an RSA key in ~/.ssh/id_rsa.pub');
  return {
    operands: [],
    keepsExisting: true,
    commands: () =>
      verb === 'add' ? users : users.map(({ user }) => ({ command: 'user-del', user })),
  };
}
