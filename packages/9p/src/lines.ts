const NEWLINE = 0x0a;

/** Bytes cut behind each newline; what follows the last one comes as it is. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = [];
  for await (const chunk of source) {
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, at) + 1;
      if (end === 0) break;
      yield Buffer.concat([...begun, chunk.subarray(at, end)]);
      begun = [];
      at = end;
    }
    if (at < chunk.length) begun.push(chunk.subarray(at));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
