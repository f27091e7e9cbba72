/**
 * Variables and files that help texts name as `$NAME` and as a path. A page explains those that its command names.
 */

/** @type {Readonly<Record<string, string>>} */
export const VARIABLES = {
  NODES: 'The nodes, where the command line names none.',
  XCPU_NODES_FILE: 'The node map, in place of ~/.config/xcpu/nodes and /etc/xcpu/nodes.',
  XCPU_ADMIN_KEY: "The administrator's private key, in place of /etc/xcpu/admin_key.",
  XCPU_STATFS: 'The statfs server, as [tcp!]host[!port]; localhost if it is not set.',
  XCPU_SYSROOT:
    'A directory of trees for other kinds of machine, such as Linux/aarch64: a node of that kind gets its programs and libraries from there.',
  XCPUENV:
    'Variables that travel to the nodes beside those that do anyway: names, or lines NAME=VALUE.',
  JOBID: 'The name of the job, where -j gives none.',
  TMPDIR: 'Where temporary files go; /tmp if it is not set.',
  SHELL: 'Your shell.',
};

/** @type {Readonly<Record<string, string>>} */
export const FILES = {
  '~/.config/xcpu/nodes':
    'Your node map: name=[tcp!]host[!port] on each line, and # before a comment.',
  '/etc/xcpu/nodes': 'The node map of the machine.',
  '~/.ssh/id_rsa':
    'Your private key, without a passphrase; where it is missing, id_ed25519 or id_ecdsa beside it.',
  '~/.ssh/id_rsa.pub': 'The public key of a user.',
  '/etc/xcpu/admin_key': "The administrator's private key.",
  '/etc/xcpu/admin_key.pub': "The administrator's public key, which the node trusts.",
};

/** The names of variables in a text, as in `$NODES`. */
export function variablesIn(text) {
  return new Set([...text.matchAll(/\$([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name));
}

/** The paths of files of the system and of configuration in a text. */
export function filesIn(text) {
  const paths = text.matchAll(/(?:\/etc|\/var|\/run|~\/\.\w+)\/[\w./-]*\w/g);
  return new Set([...paths].map(([path]) => path));
}
