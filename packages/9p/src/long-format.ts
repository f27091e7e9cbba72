import { QidType } from '@xcpu/9p-protocol';
import type { FileKind, FileStat } from '@xcpu/9p-protocol/client';

/** One file of a listing. */
export interface Row {
  /** As it is to be printed. */
  readonly name: string;
  readonly stat: FileStat;
  /** Where a symbolic link leads. */
  readonly target?: string | undefined;
}

/**
 * Lines as `ls -l` prints them: mode, owner, group, size, time of the last change, name.
 * @param now milliseconds since 1970: files that changed within half a year are shown with the hour, else with the year
 */
export function formatLong(rows: readonly Row[], now: number): string {
  const cells = rows.map(({ stat }) => [
    modeText(stat),
    ownerText(stat.user, stat.uid),
    ownerText(stat.group, stat.gid),
    String(stat.size),
  ]);
  const widths = [0, 1, 2, 3].map((column) =>
    cells.reduce((width, row) => Math.max(width, row[column]!.length), 0),
  );
  return rows
    .map(({ name, stat, target }, index) => {
      const [mode, owner, group, size] = cells[index]!.map((cell, column) =>
        column === 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      );
      const arrow = target === undefined ? '' : ` -> ${target}`;
      return `${mode} ${owner} ${group} ${size} ${timeText(stat.mtimeMs, now)} ${name}${arrow}\n`;
    })
    .join('');
}

/** Ten letters: `drwxr-xr-x`; `a` in front of a file that only grows. */
export function modeText({ kind, mode, qid }: Pick<FileStat, 'kind' | 'mode' | 'qid'>): string {
  const grows = kind === 'file' && (qid.type & QidType.APPEND) !== 0;
  const bits = [6, 3, 0].map((shift, index) => {
    const special = (mode & (0o4000 >> index)) !== 0;
    const letter = index === 2 ? 't' : 's';
    const run = (mode >> shift) & 1;
    const last = special ? (run ? letter : letter.toUpperCase()) : run ? 'x' : '-';
    return `${(mode >> shift) & 4 ? 'r' : '-'}${(mode >> shift) & 2 ? 'w' : '-'}${last}`;
  });
  return `${grows ? 'a' : KINDS[kind]}${bits.join('')}`;
}

const KINDS: Readonly<Record<FileKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  pipe: 'p',
  socket: 's',
  'character-device': 'c',
  'block-device': 'b',
};

/** A name where the server tells it, else the number. */
function ownerText(name: string | undefined, number: number | undefined): string {
  return name || (number === undefined ? '?' : String(number));
}

const HALF_A_YEAR_MS = (365.25 / 2) * 24 * 60 * 60 * 1000;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

function timeText(ms: number, now: number): string {
  const time = new Date(ms);
  const two = (number: number) => String(number).padStart(2, '0');
  const recent = ms <= now && now - ms < HALF_A_YEAR_MS;
  const detail = recent
    ? `${two(time.getHours())}:${two(time.getMinutes())}`
    : String(time.getFullYear()).padStart(5);
  return `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${detail}`;
}
