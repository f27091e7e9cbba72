import { checkGroupName } from '@xcpu/xcpu-protocol';
import { SetupError } from '../errors.js';
import { ADMIN_USER } from '../login.js';
import { parseSiteFile, type SiteEntry, type SiteFile, takeWord } from './site-file.js';
import { idOf } from './site-users.js';

/** A group as a site wants it on its nodes. */
export type SiteGroup = SiteEntry;

/** The administrator's group: every node has its own. */
export const ADMIN_GROUP: string = ADMIN_USER;

const FORM = 'NAME GID';

/**
 * The groups of a file: `NAME GID` per line, or lines of group(5), whose members mean nothing here. A line for the
 * administrator's group says nothing.
 * @throws SetupError naming every line at fault
 */
export function parseSiteGroups(file: SiteFile): SiteGroup[] {
  return parseSiteFile(file, (text, line) => {
    const fields = text.split(':');
    const [name, gid] = fields.length === 4 ? [fields[0] ?? '', fields[2] ?? ''] : takeWord(text);
    if (gid === '') throw new SetupError(`expected ${FORM}`);
    if (checkGroupName(name) === ADMIN_GROUP) return undefined;
    return { name, number: idOf('GID', gid, FORM), line };
  });
}
