import { NinePError } from '@xcpu/9p-protocol';
import type { Awaitable } from '@xcpu/9p-protocol/server';
import type { Log } from '@xcpu/daemon';
import { XcpuFormatError } from '@xcpu/xcpu-protocol';
import { StartError } from '../errors.js';
import { addLocalUsers } from '../users/local.js';
import { type AdminIdentity, UserTable } from '../users/users.js';
import { formatState, LaterFormatError, parseState } from './format.js';
import { Keeper } from './keeper.js';
import { restore, stateOf } from './node-state.js';
import { NodeSettings } from './settings.js';
import { StateDirectory } from './state-directory.js';

/** A node's users, groups and settings, and how they are saved. */
export interface OpenTables {
  readonly users: UserTable;
  readonly settings: NodeSettings;
  /** Done when all that has changed until now is saved; at once on a node that saves nothing. */
  readonly saved: () => Awaitable<void>;
  /** Saves what is not. */
  readonly close: () => Promise<void>;
}

export interface TableOptions {
  /** Where they are saved; nowhere if left out. */
  readonly stateDir?: string | undefined;
  /** Takes the host's users, too, who have an ssh key. */
  readonly localUsers: boolean;
}

/**
 * The tables that a node begins with: what was saved, all of it, or else none but the administrator; then the users of
 * its host. A file that is damaged is set aside and logged.
 * @param env what sessions' environment begins with unless something else was saved
 * @throws StartError if the directory cannot be used, or what was saved cannot be read
 */
export function openTables(
  { stateDir, localUsers }: TableOptions,
  admin: AdminIdentity,
  env: string,
  log: Log,
): OpenTables {
  const directory = stateDir === undefined ? undefined : new StateDirectory(stateDir);
  try {
    const tables = directory ? load(directory, admin, env, log) : emptyTables(admin, env);
    const { users, settings } = tables;
    if (localUsers) addLocalUsers(users, log);
    if (!directory) return { ...tables, saved: () => {}, close: async () => {} };
    const keeper = new Keeper({
      directory,
      version: () => `${users.version} ${settings.version}`,
      snapshot: () => formatState(stateOf(users, settings)),
      log,
    });
    return { ...tables, saved: () => keeper.saved(), close: () => keeper.close() };
  } catch (error) {
    directory?.close();
    throw error;
  }
}

interface Tables {
  readonly users: UserTable;
  readonly settings: NodeSettings;
}

function emptyTables(admin: AdminIdentity, env: string): Tables {
  return { users: new UserTable(admin), settings: new NodeSettings(env) };
}

function load(directory: StateDirectory, admin: AdminIdentity, env: string, log: Log): Tables {
  const { file } = directory;
  const bytes = directory.load();
  const tables = emptyTables(admin, env);
  if (bytes === undefined) return tables;
  try {
    restore(parseState(bytes), tables.users, tables.settings);
  } catch (error) {
    if (error instanceof LaterFormatError) {
      throw new StartError(`${file}: saved by a later xcpufs: ${error.message}`);
    }
    if (!(error instanceof XcpuFormatError || error instanceof NinePError)) throw error;
    log.event('state damaged', { file, reason: error.message, kept: directory.setAside() });
    return emptyTables(admin, env);
  }
  log.event('state restored', { file, users: tables.users.all().length - 1 });
  return tables;
}
