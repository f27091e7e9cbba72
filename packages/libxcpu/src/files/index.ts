/**
 * The files of any 9P server, a node among others, by path. Apart from the rest of the library, which the commands that
 * run programs load at each start.
 */
export * from './server-connection.js';
export * from './server-target.js';
