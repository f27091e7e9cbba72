import type { Dialect } from '@xcpu/9p-protocol';
import type { ServerOptions } from '@xcpu/libxcpu/files';
import type { Command } from 'commander';

/** What the command does with one of its first words: `9p ls …`. */
export interface Verb {
  readonly name: string;
  /** The operands, one line for each form. */
  readonly usage: readonly string[];
  readonly summary: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /**
   * For one that talks to a server: the dialects to ask for in turn until the server knows one. Such a verb has the
   * options that say how to reach a server and who logs in.
   */
  readonly dialects?: readonly Dialect[];
  /** Adds the verb's own options. */
  readonly define?: (command: Command) => void;
  /**
   * @returns the exit status
   * @throws UsageError, SetupError, Error with a text for the user
   */
  readonly run: (line: VerbLine) => Promise<number>;
}

/** A verb's command line taken apart. */
export interface VerbLine {
  /** Given by `-a`, in front of the verb. */
  readonly address: string | undefined;
  readonly operands: readonly string[];
  readonly connection: ServerOptions;
  /** The verb's own options, as commander calls them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Errors in the server's own words, where 9P2000.L has only numbers, owners by name, and directories with all that
 * is to be told of their entries: best for everything else.
 */
export const WORDS_FIRST: readonly Dialect[] = ['9P2000.u', '9P2000.L'];
