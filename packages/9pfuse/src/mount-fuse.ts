import { close } from 'node:fs';
import type { NinePError } from '@xcpu/9p-protocol';
import type { Fid } from '@xcpu/9p-protocol/client';
import { type FuseServer, type ServeOptions, serveFuse } from './fuse-server.js';
import { openFuse } from './mounting/device-file.js';
import { Guardian } from './mounting/guardian.js';
import { MountPoint, type MountPointOptions } from './mounting/mount-point.js';

/** What is mounted, where and how. */
export interface MountFuseOptions extends ServeOptions, MountPointOptions {
  /** The root of the tree: `(await mount(await dial('tcp!n8!564'))).root`. It stays the caller's. */
  readonly root: Fid;
  /** A directory. */
  readonly mountpoint: string;
  /** A helper takes the mount away if this process is killed. Default true. */
  readonly guard?: boolean;
}

/**
 * Mounts a 9P tree on a directory, and serves it until it is unmounted or the 9P connection ends: then everybody who
 * uses it is told (EIO, then ENOTCONN), and the mount is taken away.
 *
 * This process must touch what it mounts by asynchronous calls only, and must not start programs in it: it would wait
 * for itself.
 * @throws NinePError what the server answers; Error that names the reason and the way out
 */
export async function mountFuse(options: MountFuseOptions): Promise<FuseMount> {
  const { root, mountpoint, guard = true } = options;
  const fd = await openFuse();
  let place: MountPoint | undefined;
  let server: FuseServer | undefined;
  try {
    place = await MountPoint.make(fd, mountpoint, options);
    server = await serveFuse(fd, root, options);
    await server.ready;
    await place.readAhead();
    return new FuseMount(place, server, root, guard ? new Guardian(place) : undefined);
  } catch (error) {
    // Once it is served, that closes it: by now its number may be another file's.
    if (!server) close(fd, () => {});
    await place?.abort();
    throw error;
  }
}

/** A 9P tree that is mounted. */
export class FuseMount {
  /** Where: absolute, and free of links. */
  readonly path: string;
  /**
   * Resolves when the mount is gone, with the reason if that is that the 9P connection ended.
   * Rejects if /dev/fuse fails.
   */
  readonly closed: Promise<NinePError | undefined>;
  readonly server: FuseServer;
  readonly #place: MountPoint;
  /** Under way to the end: the kernel cuts the connection before the mount is taken from the tree. */
  #leaving: Promise<void> | undefined;

  constructor(place: MountPoint, server: FuseServer, root: Fid, guardian: Guardian | undefined) {
    this.path = place.path;
    this.server = server;
    this.#place = place;
    let lost: NinePError | undefined;
    const forget = root.client.onClose((reason) => {
      lost = reason;
      this.#leaving = place.abort();
    });
    this.closed = server.closed.finally(() => this.#left(forget, guardian)).then(() => lost);
    this.closed.catch(() => {});
  }

  /**
   * Unmounts: what the kernel still has to write is written first. Programs that use the mount lose it.
   * @throws Error if something else is mounted on top of it
   */
  async close(): Promise<void> {
    if (await this.#place.isCovered()) {
      throw new Error(`cannot unmount ${this.path}: there is another mount on top of it`);
    }
    this.#leaving ??= this.#place.unmount();
    await this.#leaving;
    await this.closed;
  }

  async #left(forget: () => void, guardian: Guardian | undefined): Promise<void> {
    forget();
    await this.#leaving;
    await guardian?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
