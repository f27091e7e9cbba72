import { UsageError } from '@xcpu/libxcpu';

/** What is copied where: several sources on one side, a target on the other. */
export interface Sides {
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly sources: readonly string[];
  readonly target: string;
}

/**
 * Tells the server's side of a copy from this machine's: `ADDRESS:/PATH` is on the server, and `:/PATH` where the
 * address was given before. What begins with `/` or `.` never is, so that `./a:/b` names a local file.
 * @throws UsageError unless exactly one side is on a server, and on one
 */
export function parseSides(operands: readonly string[], address: string | undefined): Sides {
  const sides = operands.map((operand) => splitSide(operand, address));
  const target = sides.pop();
  if (!target || sides.length === 0) throw new UsageError(`operands are missing; ${FORM}`);
  const sources = sides.map(({ path }) => path);
  const remotes = sides.filter((side) => side.address !== undefined);
  if (target.address !== undefined) {
    if (remotes.length > 0) {
      const way = '9p cat A /f | 9p write -c B /f, or by way of this machine';
      throw new UsageError(`both sides are on servers: copy with ${way}`);
    }
    return { direction: 'in', address: target.address, sources, target: target.path };
  }
  const [first] = remotes;
  if (first?.address === undefined) throw new UsageError(`nothing is on a server; ${FORM}`);
  if (sides.some((side) => side.address !== first.address)) {
    throw new UsageError('all that is copied must be on one server');
  }
  return { direction: 'out', address: first.address, sources, target: target.path };
}

const FORM = 'wanted: ADDRESS:/PATH LOCAL, or LOCAL ADDRESS:/PATH';

function splitSide(operand: string, given: string | undefined) {
  const colon = /^[/.]/.test(operand) ? -1 : operand.indexOf(':/');
  if (colon < 0) return { address: undefined, path: operand };
  const path = operand.slice(colon + 1);
  if (colon > 0) return { address: operand.slice(0, colon), path };
  if (given === undefined) throw new UsageError(`${operand}: an address is missing before it`);
  return { address: given, path };
}
