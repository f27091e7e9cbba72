import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What lies beside the exported directory, and must never be read. */
const SECRET = 'what no client may see';

/** A directory for each input to be exported, with links that lead out of it, and what must not be reached beside it. */
export class Scratch {
  readonly #place = mkdtempSync(join(tmpdir(), '9p-fuzz-'));
  readonly #outside = join(this.#place, 'outside');
  readonly #exported = join(this.#place, 'exported');

  constructor() {
    mkdirSync(this.#outside);
    writeFileSync(join(this.#outside, 'a'), SECRET);
    execFileSync('mkfifo', [join(this.#place, 'pipe')]);
  }

  /** Makes the directory anew. */
  fresh(): string {
    const path = this.#exported;
    rmSync(path, { recursive: true, force: true });
    mkdirSync(join(path, 'd/e'), { recursive: true });
    writeFileSync(join(path, 'a'), 'contents of a\n');
    writeFileSync(join(path, 'd/b'), 'b\n');
    symlinkSync(this.#outside, join(path, 'link'));
    symlinkSync(join(this.#outside, 'a'), join(path, 'd/link'));
    linkSync(join(this.#place, 'pipe'), join(path, 'pipe'));
    return path;
  }

  /** @throws Error if something outside was changed */
  check(): void {
    const left = readdirSync(this.#outside);
    const place = readdirSync(this.#place).sort();
    if (
      left.join() === 'a' &&
      place.join() === 'exported,outside,pipe' &&
      readFileSync(join(this.#outside, 'a'), 'utf8') === SECRET
    ) {
      return;
    }
    throw new Error(`changed outside the root: ${place.join()}, ${left.join()}`);
  }

  /** Whether bytes that were sent to a client hold what it may not see. */
  revealed(bytes: Buffer): boolean {
    return bytes.includes(SECRET);
  }

  remove(): void {
    rmSync(this.#place, { recursive: true, force: true });
  }
}
