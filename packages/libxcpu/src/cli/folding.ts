import { NodeError } from '../errors.js';

/** Why something failed on a node. */
export interface NodeReason {
  readonly node: string;
  readonly reason: string;
}

/** Nodes, as a node set, on which something failed for the same reason. */
export interface FoldedReason<T extends NodeReason> {
  readonly nodes: string;
  /** Where there are several nodes: without their addresses. */
  readonly reason: string;
  readonly first: T;
}

/** Folds reasons that are equal but for the address of the node, in the order of the first of each. */
export async function foldReasons<T extends NodeReason>(
  reasons: readonly T[],
): Promise<FoldedReason<T>[]> {
  const { fold } = await import('@xcpu/nodeset');
  const alike = new Map<string, [T, ...T[]]>();
  for (const each of reasons) {
    const key = withoutAddress(each.reason);
    const known = alike.get(key);
    if (known) known.push(each);
    else alike.set(key, [each]);
  }
  return [...alike].map(([key, all]) => {
    const [first] = all;
    const names = new Set(all.map(({ node }) => node));
    return { nodes: fold([...names]), reason: names.size > 1 ? key : first.reason, first };
  });
}

/** What is to be said of errors: one text for each reason of nodes, and the others as they are. */
export async function foldErrors(errors: readonly unknown[]): Promise<string[]> {
  const ofNodes = errors.filter((error) => error instanceof NodeError);
  const others = errors.filter((error) => !(error instanceof NodeError));
  const folded = await foldReasons(ofNodes);
  return [
    ...folded.map(({ nodes, reason }) => `${nodes}: ${reason}`),
    ...others.map((error) => (error instanceof Error ? error.message : String(error))),
  ];
}

/** `connection refused (10.0.0.8!20002): …` is the same of every node. */
function withoutAddress(reason: string): string {
  return reason.replace(/ \([^()\s]+!\d+\)/, '');
}
