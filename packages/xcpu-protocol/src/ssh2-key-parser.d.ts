/** The part of ssh2 that reads key files, without the SSH client and server around it. */
declare module 'ssh2/lib/protocol/keyParser.js' {
  import type { ParsedKey } from 'ssh2';

  const keyParser: { parseKey(data: string): ParsedKey | ParsedKey[] | Error };
  export default keyParser;
}
