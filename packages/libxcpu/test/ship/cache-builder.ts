interface CacheEntry {
  readonly name: string;
  readonly path: string;
  readonly hwcap?: bigint;
}

/** A cache as ldconfig writes it: glibc's dl-cache.h. */
export function cacheFile(entries: readonly CacheEntry[], littleEndian = true): Buffer {
  const strings = entries.flatMap(({ name, path }) => [name, path]);
  const places: number[] = [];
  let size = 48 + entries.length * 24;
  for (const text of strings) {
    places.push(size);
    size += Buffer.byteLength(text) + 1;
  }
  const file = Buffer.alloc(size);
  const view = new DataView(file.buffer, file.byteOffset, size);
  file.write('glibc-ld.so.cache1.1');
  view.setUint32(20, entries.length, littleEndian);
  for (const [index, { hwcap = 0n }] of entries.entries()) {
    const at = 48 + index * 24;
    view.setUint32(at + 4, places[2 * index]!, littleEndian);
    view.setUint32(at + 8, places[2 * index + 1]!, littleEndian);
    view.setBigUint64(at + 16, hwcap, littleEndian);
  }
  for (const [index, text] of strings.entries()) file.write(text, places[index]!);
  return file;
}
