import { type Command, CommanderError, InvalidArgumentError } from 'commander';

/** Options to start a daemon with, or the exit status of a command line that asked for nothing to run. */
export type Parsed<Options> = { readonly options: Options } | { readonly exitCode: number };

/**
 * Parses a daemon's command line, to which `-h` and `-V` are added. Where it asks for these, or is wrong, what is to be
 * said of that is printed.
 *
 * @param command with the daemon's own options, and its name
 */
export function parseCommandLine<Given extends object>(
  command: Command,
  argv: readonly string[],
  version: string,
): Parsed<Given> {
  const name = command.name();
  command
    .helpOption('-h, --help', 'show this help')
    .version(`${name} ${version}`, '-V, --version', 'show the version')
    .allowExcessArguments(false)
    .showHelpAfterError(`(${name} -h shows the options)`)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, `${name}:`)) })
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2 };
    throw error;
  }
  return { options: command.opts<Given>() };
}

/**
 * The value of an option that names a port; 0 takes a free one.
 * @throws InvalidArgumentError
 */
export function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    throw new InvalidArgumentError(`${JSON.stringify(value)} is not a port (0 to 65535)`);
  }
  return port;
}
