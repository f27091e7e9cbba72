export { Client, type ClientOptions } from './client.js';
export { type AttachOptions, attach, auth, Fid, type RequestOptions } from './fid.js';
