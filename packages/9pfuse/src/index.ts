/** Mounting 9P trees through /dev/fuse. */
export { CACHE_MODES, type CacheMode, type CachePolicy } from './cache.js';
export { FuseServer, type FuseTrace, type ServeOptions, serveFuse } from './fuse-server.js';
export { FuseMount, type MountFuseOptions, mountFuse } from './mount-fuse.js';
export { openFuse } from './mounting/device-file.js';
export { MountPoint, type MountPointOptions } from './mounting/mount-point.js';
export {
  type Owner,
  type Owners,
  ownersAlone,
  ownersAs,
  ownersMapped,
  sameOwners,
} from './owners.js';
export { formatRequest } from './protocol/format.js';
export type { FuseRequest } from './protocol/requests.js';
export type { UserIds } from './remote/remote.js';
export { Foresight } from './tree/foresight.js';
