import { formatNodeCommand } from '@xcpu/xcpu-protocol';
import type { TestUser } from '../support/cluster.js';
import { type TestKey, testKey } from '../support/keys.js';
import type { Transcript } from './transcripts.js';

/** The recorded clients ran as root; the admin tells the node of a user of that name and number. */
export const ROOT: TestUser = {
  name: 'root',
  uid: 0,
  group: 'xgrp',
  gid: 500,
  groups: {},
  key: testKey('user_key'),
};

/** What a node has to know before a transcript begins. */
export interface Preparation {
  /** The group `xgrp`, and the user `root` in it; default both. */
  readonly xgrp?: boolean;
  readonly root?: boolean;
  /** A second group, `extra`. */
  readonly extra?: boolean;
  /** A session that runs `/bin/sleep 100`: its recorded number, the program's recorded pid, its id. */
  readonly job?: { readonly sid: string; readonly pid: string; readonly id: string };
}

const NO_USERS: Preparation = { root: false };
const JOB_1 = { sid: '7', pid: '12', id: 'j1/1' };

/** Where it is not the user `root` in the group `xgrp`. */
export const PREPARATIONS: Readonly<Record<string, Preparation>> = {
  statfs_to_xcpufs: NO_USERS,
  xgroupset_add: { xgrp: false, root: false },
  xgroupset_add_exists: NO_USERS,
  xgroupset_delete: { ...NO_USERS, extra: true },
  xgroupset_delete_missing: NO_USERS,
  xk_pid: { job: JOB_1 },
  xk_user_jid: { job: { sid: '10', pid: '15', id: 'j4/1' } },
  xps_job: { job: JOB_1 },
  xps_x_job: { job: JOB_1 },
  xrx_after_delete: NO_USERS,
  xuserset_add: NO_USERS,
  xuserset_add_badgroup: NO_USERS,
  xuserset_addgroup: { extra: true },
};

/** The commands for an empty node's ctl that prepare its users and groups. */
export function preparationCommands(wanted: Preparation): string[] {
  const { xgrp = true, root = true, extra = false } = wanted;
  const { name, uid, group, gid, key } = ROOT;
  const add = { command: 'user-add', user: name, uid, group, key: key.publicKey } as const;
  return [
    ...(xgrp ? [formatNodeCommand({ command: 'group-add', group, gid })] : []),
    ...(extra ? [formatNodeCommand({ command: 'group-add', group: 'extra', gid: 501 })] : []),
    ...(root ? [formatNodeCommand(add)] : []),
  ];
}

/** Which key the recorded client signed with: its command line says, or the environment named the admin's. */
export function keyOf({ name, meta }: Transcript): TestKey {
  const words = meta?.argv.join(' ') ?? (name.startsWith('xrx') ? 'user_key' : 'admin_key');
  if (words.includes('other_key')) return testKey('other_key');
  return words.includes('user_key') && !words.includes('admin_key')
    ? ROOT.key
    : testKey('admin_key');
}
