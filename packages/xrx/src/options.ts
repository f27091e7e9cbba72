import type { Login, NodeTrace } from '@xcpu/libxcpu';
import type { FileOptions } from './client-files.js';

/** What the command line says, but for NODES and the program. */
export interface Options extends FileOptions {
  /** `-l` */
  readonly l?: true;
  readonly ship?: true;
  /** `-e`: the program in a directory that is shipped. */
  readonly e?: string;
  readonly label?: boolean;
  readonly lines?: boolean;
  readonly jobid?: string;
  readonly attach?: string;
  readonly detach?: true;
  readonly keep?: true;
  readonly key?: string;
  readonly tree?: string;
  readonly timeout?: string;
  readonly stdin: boolean;
  readonly nodes?: string;
  readonly all?: boolean;
  readonly user?: string;
  readonly connectTimeout?: string;
  readonly debug?: boolean;
}

/** How the nodes are reached, and for how long. */
export interface Way {
  readonly login: Login;
  readonly timeout: number | undefined;
  readonly connectTimeout: number | undefined;
  readonly trace: NodeTrace | undefined;
}
