import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { bundle } from './command.js';

/** All commands that are shipped, the daemons included. */
export const COMMANDS: readonly string[] = readdirSync(dirname(bundle('xrx'))).sort();
