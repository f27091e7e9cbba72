import type { NodeConnection } from '@xcpu/libxcpu';
import {
  ADMIN_KEY_OPTION,
  askNodes,
  foldErrors,
  parseCommandLine,
  printError,
  printOut,
  reachNodes,
  start,
  takeNodes,
} from '@xcpu/libxcpu/cli';
import type { Entry, NodeTable } from './entries.js';

interface Options {
  readonly json?: boolean;
  readonly diff?: boolean;
  readonly adminKey?: string;
}

const TEXT = {
  name: 'xgetent',
  usage: ['passwd|group NODES'],
  summary: `Prints the users or groups that nodes know: name:uid:gid:groups and name:gid. A node that fails is named on stderr, and the exit status is then 1.`,
  examples: [
    ['xgetent passwd n8', 'the users of n8'],
    ['xgetent group -a', 'the groups of all nodes that are up'],
    ["xgetent --diff passwd 'n[1-64]'", 'who is not on all nodes as on n1'],
    ["xgetent --json passwd n8 | jq '.[].name'", 'for programs'],
  ],
} as const;

const HEADINGS = {
  passwd: 'Password Database From Node:',
  group: 'Group Database From Node:',
} as const;
type Database = keyof typeof HEADINGS;

start('xgetent', main);

async function main(args: readonly string[]): Promise<number> {
  const { options, operands } = await parseCommandLine<Options>(TEXT, args, (command) => {
    command
      .option(
        '--diff',
        'print how nodes differ from the first that answers; exit status 1 if one does',
      )
      .option('--json', 'print a JSON array, one object per entry, or with --diff per difference')
      .option(...ADMIN_KEY_OPTION);
  });
  const { database, rest } = await takeDatabase(operands);
  const { nodes } = takeNodes(rest, { option: options.nodes, all: options.all, wanted: [] });
  const reach = await reachNodes(nodes, options, { fallBack: true });
  const withKeys = options.json === true || options.diff === true;
  const { answers, failures } = await askNodes(reach, (connection) =>
    entriesOf(connection, database, withKeys),
  );
  const tables = answers.map(({ target, answer }) => ({ node: target.name, entries: answer }));
  for (const line of await foldErrors(failures)) printError(`xgetent: ${withWayOut(line)}\n`);
  const failed = failures.length > 0;
  if (options.diff) return (await printDifferences(tables, options)) || failed ? 1 : 0;
  await printTables(tables, database, options);
  return failed ? 1 : 0;
}

async function takeDatabase([name = '', ...rest]: readonly string[]) {
  if (name === 'passwd' || name === 'group') return { database: name as Database, rest };
  const { UsageError } = await import('@xcpu/libxcpu');
  const which = name === '' ? 'which database?' : `${name}: no such database;`;
  throw new UsageError(`${which} passwd and group are there, as in xgetent passwd n8`);
}

async function entriesOf(
  connection: NodeConnection,
  database: Database,
  withKeys: boolean,
): Promise<Entry[]> {
  const { readGroups, readKeys, readUsers } = await import('@xcpu/libxcpu');
  if (database === 'group') return readGroups(connection);
  const users = await readUsers(connection);
  const keys = withKeys ? await readKeys(connection) : undefined;
  return users.map((user) => {
    const key = keys?.get(user.name);
    return key === undefined ? user : { ...user, key };
  });
}

/** As the historic program prints them, without what it has in its memory behind. */
async function printTables(
  tables: readonly NodeTable[],
  database: Database,
  { json }: Options,
): Promise<void> {
  if (json) {
    const { formatJson } = await import('@xcpu/libxcpu');
    const all = tables.flatMap(({ node, entries }) => entries.map((entry) => ({ node, ...entry })));
    return printOut(`${formatJson(all)}\n`);
  }
  const { lineOf } = await import('./entries.js');
  const texts = tables.map(({ node, entries }) => {
    const lines = entries.map((entry) => `${lineOf(entry)}\n`);
    return `${HEADINGS[database]} ${node}\n${lines.join('')}`;
  });
  await printOut(texts.join('\n'));
}

/** @returns whether there are any */
async function printDifferences(tables: readonly NodeTable[], { json }: Options): Promise<boolean> {
  const { compareTables, formatDifferences } = await import('./comparison.js');
  const differences = compareTables(tables);
  const { formatJson } = await import('@xcpu/libxcpu');
  await printOut(json ? `${formatJson(differences)}\n` : formatDifferences(differences));
  return differences.length > 0;
}

function withWayOut(message: string): string {
  return message.endsWith(': permission denied')
    ? `${message}: only the administrator reads these: give his key with -A`
    : message;
}
