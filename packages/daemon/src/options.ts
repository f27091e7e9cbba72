import { InvalidArgumentError } from 'commander';

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
