import { posix } from 'node:path';
import type { NamespaceStep } from '@xcpu/xcpu-protocol';

/** What a session's namespace is built from. */
export interface NamespacePlan {
  /** What there is to do before the program; `unshare`, and the `cd` that nothing follows, are none of it. */
  readonly steps: readonly NamespaceStep[];
  /** What is to be mounted from elsewhere, in the order in which it is wanted. */
  readonly imports: readonly ImportStep[];
}

export type ImportStep = Extract<NamespaceStep, { readonly address: string }>;

/** Where `ns` says that the program starts, and what it starts in. */
export interface Surroundings {
  /** Undefined if `ns` does not say. */
  readonly directory: string | undefined;
  /** Undefined if it is the node's own. */
  readonly namespace: NamespacePlan | undefined;
}

/** What the steps of a namespace program, checked already, come to. */
export function surroundings(steps: readonly NamespaceStep[]): Surroundings {
  const last = steps.findLastIndex(({ command }) => command !== 'cd' && command !== 'unshare');
  const needed = steps.slice(0, last + 1).filter(({ command }) => command !== 'unshare');
  const own = steps.some(({ command }) => command !== 'cd');
  return {
    directory: directoryAfter(steps),
    namespace: own ? { steps: needed, imports: needed.filter(isImport) } : undefined,
  };
}

function isImport(step: NamespaceStep): step is ImportStep {
  return 'address' in step;
}

/** A new root is also the directory that the program is in: nothing of what was outside is kept. */
function directoryAfter(steps: readonly NamespaceStep[]): string | undefined {
  let directory: string | undefined;
  for (const step of steps) {
    if (step.command === 'chroot') directory = '/';
    if (step.command === 'cd') directory = posix.resolve(directory ?? '/', step.directory);
  }
  return directory;
}

/** Steps as the words that the builder reads, STEP_WORDS each. */
export function stepWords(steps: readonly NamespaceStep[]): string[] {
  let imports = 0;
  return steps.flatMap((step) => {
    const words = (command: string, old: string, to: string, options = '', type = '') => [
      ...[String(step.line), command, old, to, options, type],
    ];
    switch (step.command) {
      case 'bind':
        return words(
          step.recursive ? 'rbind' : 'bind',
          step.old,
          step.new,
          step.readOnly ? 'ro' : '',
        );
      case 'import':
      case 'cache':
        return words(step.command, String(imports++), step.directory);
      case 'tmpfs':
        return words('tmpfs', '', step.directory, step.options);
      case 'mount':
        return words('mount', step.device, step.directory, step.options, step.type);
      case 'mkdir':
      case 'umount':
      case 'cd':
      case 'chroot':
        return words(step.command, '', step.directory);
      default:
        throw new Error(`${step.command} is not for the builder`);
    }
  });
}
