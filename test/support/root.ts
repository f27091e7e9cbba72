/** Whether the tests run as root: only then do daemons run programs as other users. */
export const isRoot = process.getuid?.() === 0;
