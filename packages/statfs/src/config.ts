import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { StartError, systemText } from '@xcpu/daemon';
import { nodeMapPaths } from '@xcpu/nodeset';
import { parseStatfsConfig, type StatfsNode, XcpuFormatError } from '@xcpu/xcpu-protocol';

/** The nodes to watch, and where that is written. */
export interface Configuration {
  readonly file: string;
  readonly nodes: readonly StatfsNode[];
}

/**
 * Reads the configuration: the file that is named, else the first node map that there is.
 * @throws StartError naming the file and everything that is wrong in it
 */
export function readConfiguration(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Configuration {
  const { file, text } = named === undefined ? firstMap(env) : { file: named, text: read(named) };
  try {
    const nodes = parseStatfsConfig(text);
    if (nodes.length > 0) return { file, nodes };
  } catch (error) {
    if (!(error instanceof XcpuFormatError)) throw error;
    const problems = error.problems.map((problem) =>
      problem.replace(/^line (\d+)/, (_, line) => `${file}:${line}`),
    );
    throw new StartError(problems.join('\n'));
  }
  throw new StartError(`${file}: names no nodes: a line for each is wanted, name=host[!port]`);
}

function firstMap(env: Readonly<Record<string, string | undefined>>) {
  const paths = nodeMapPaths(env, homedir());
  for (const file of paths) {
    try {
      return { file, text: readFileSync(file, 'utf8') };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(file, error);
    }
  }
  throw new StartError(`no nodes to watch: -c names a file, or write ${paths.join(' or ')}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): StartError {
  return new StartError(`${file}: cannot be read: ${systemText(error)}`);
}
