import { show, XcpuFormatError } from './errors.js';

const MAX_NAME_BYTES = 256;

/**
 * A user's name, checked: `pwent` and `grent` part their fields at `:` and `,` and their entries at
 * newlines, and 9P names files so.
 *
 * @returns the name
 * @throws XcpuFormatError naming the name and the rule
 */
export function checkUserName(name: string): string {
  return checkName(name, 'user');
}

/** A group's name, checked by the same rules as a user's. */
export function checkGroupName(name: string): string {
  return checkName(name, 'group');
}

function checkName(name: string, kind: string): string {
  if (name === '' || name === '.' || name === '..' || /[/:,'\s\p{Cc}\p{Cs}]/u.test(name)) {
    throw new XcpuFormatError(
      `invalid ${kind} name ${show(name)}: it must have a character, and none of / : , ' nor a blank`,
    );
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new XcpuFormatError(
      `invalid ${kind} name ${show(name)}: longer than ${MAX_NAME_BYTES} bytes`,
    );
  }
  return name;
}
