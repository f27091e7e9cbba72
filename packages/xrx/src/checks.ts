import { UsageError } from '@xcpu/libxcpu';
import type { Options } from './options.js';

/**
 * @param argv the program
 * @throws UsageError for options that make no sense, or not together
 */
export function checkOptions(options: Options, argv: readonly string[]): void {
  const { attach, detach, jobid, chdir, keep, ship, e, timeout, tree } = options;
  if (tree !== undefined && !/^(\.|[1-9]\d*)$/.test(tree)) {
    throw new UsageError(`-n ${tree}: a number above 0, or ".", is wanted`);
  }
  if (attach === undefined) {
    if (argv.length === 0) throw new UsageError('the program to run is missing');
    if (keep) throw new UsageError('--keep is for -J');
    if (detach && timeout !== undefined) {
      throw new UsageError('--timeout with --detach: nobody would be there to end the programs');
    }
    return;
  }
  const starting = { '--detach': detach, '-j': jobid, '-c': chdir, '--ship': ship, '-e': e };
  const [wrong] = Object.entries(starting).find(([, given]) => given !== undefined) ?? [];
  if (wrong) throw new UsageError(`${wrong} is about starting programs, -J attaches to some`);
}

/**
 * What a job that is started is to be called: `-j`, else `$JOBID`.
 * @throws UsageError for what is no name of a job
 */
export function nameOfJob({ attach, jobid }: Options): string | undefined {
  if (attach !== undefined) return undefined;
  const name = jobid ?? (process.env.JOBID || undefined);
  if (name === undefined || (name !== '' && !/[/()\p{Cc}]/u.test(name))) return name;
  const where = jobid === undefined ? '$JOBID' : '-j';
  throw new UsageError(`${where} ${name || "''"}: a name without /, ( or ) is wanted`);
}
