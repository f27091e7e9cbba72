import { Errno, NinePError, QidType } from '@xcpu/9p-protocol';
import type { Fid, RequestOptions } from '@xcpu/9p-protocol/client';

/**
 * Removes a file by walking to it: remove(5).
 * @throws NinePError (EISDIR, ENOTDIR) where it is not of the kind that was meant
 */
export async function removeByFid(
  directory: Fid,
  name: string,
  isDirectory: boolean,
  options: RequestOptions,
): Promise<void> {
  const file = await directory.walk([name], options);
  const found = (file.qid.type & QidType.DIR) !== 0;
  if (found === isDirectory) return file.remove();
  await file.clunk();
  throw found
    ? new NinePError('is a directory', Errno.EISDIR)
    : new NinePError('not a directory', Errno.ENOTDIR);
}
