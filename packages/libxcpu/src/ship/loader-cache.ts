/** The cache may list some hundred thousand libraries; more is no cache. */
const MAX_ENTRIES = 1024 * 1024;

const MAGIC = Buffer.from('glibc-ld.so.cache1.1');
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;

/**
 * Where `/etc/ld.so.cache` says that libraries of a name are, best first; undefined if it is no cache of glibc 2.2 or
 * later. Libraries that are only for some processors of a kind (glibc-hwcaps) are left out: whoever reads the cache is
 * not the one who runs them. Source: ldconfig(8), glibc's dl-cache.h.
 *
 * @param littleEndian how the machine counts that the cache is for
 */
export function parseLoaderCache(
  cache: Buffer,
  littleEndian: boolean,
): ReadonlyMap<string, readonly string[]> | undefined {
  // A cache of the oldest form may stand in front; names count from the beginning of the newer one.
  const start = cache.indexOf(MAGIC);
  if (start < 0 || cache.length < start + HEADER_BYTES) return undefined;
  const bytes = cache.subarray(start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(MAGIC.length, littleEndian);
  if (count > MAX_ENTRIES || HEADER_BYTES + count * ENTRY_BYTES > bytes.length) return undefined;
  const paths = new Map<string, string[]>();
  for (let index = 0; index < count; index++) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    const name = stringAt(bytes, view.getUint32(at + 4, littleEndian));
    const path = stringAt(bytes, view.getUint32(at + 8, littleEndian));
    const special = view.getBigUint64(at + 16, littleEndian) !== 0n;
    if (special || name === undefined || !path?.startsWith('/')) continue;
    const others = paths.get(name);
    if (others) others.push(path);
    else paths.set(name, [path]);
  }
  return paths;
}

function stringAt(bytes: Buffer, offset: number): string | undefined {
  const end = bytes.indexOf(0, offset);
  return offset < bytes.length && end >= 0 ? bytes.toString('utf8', offset, end) : undefined;
}
