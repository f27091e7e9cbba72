import type { Awaitable, Request, StatChanges } from '@xcpu/9p-protocol/server';
import { parseNodeCommand } from '@xcpu/xcpu-protocol';
import { nodeError } from '../errors.js';
import { attributes, type Caller } from './caller.js';
import { CommandFile } from './command-file.js';
import { changeAccess, type NodeTables } from './ownership.js';

/** The root's `ctl`: users, groups, signals. Wire document, section 5. */
export class NodeCtl extends CommandFile {
  readonly #node: NodeTables;

  constructor(node: NodeTables) {
    super(attributes('ctl', 0o664, node.users.admin));
    this.#node = node;
  }

  protected override text(): string {
    return '';
  }

  protected override change(changes: StatChanges): void {
    changeAccess(this, changes, this.#node);
  }

  protected override saved(): Awaitable<void> {
    return this.#node.saved();
  }

  protected override run(line: string, _request: Request<Caller>): void {
    const { users } = this.#node;
    const command = parseNodeCommand(line);
    switch (command.command) {
      case 'user-add': {
        const { user, uid, group, key } = command;
        users.addUser({ name: user, uid, group, key });
        return;
      }
      case 'user-del':
        return users.deleteUser(command.user);
      case 'user-key':
        return users.setKey(command.user, command.key);
      case 'user-flush':
        return users.flushUsers();
      case 'user-add-group':
        return users.addToGroup(command.user, command.group);
      case 'user-del-group':
        return users.removeFromGroup(command.user, command.group);
      case 'group-add':
        users.addGroup(command.group, command.gid);
        return;
      case 'group-del':
        return users.deleteGroup(command.group);
      case 'group-flush':
        return users.flushGroups();
      case 'kill':
        return kill(command.pid, command.signal);
    }
  }
}

/** @throws NinePError if there is no such process, or it is the daemon itself */
function kill(pid: number, signal: number): void {
  if (pid === process.pid) throw nodeError(`${pid}: xcpufs itself is not killed this way`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw nodeError(code === 'ESRCH' ? `${pid}: no such process` : `${pid}: not permitted`);
  }
}
