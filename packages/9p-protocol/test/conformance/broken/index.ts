import { attributes } from './attributes.js';
import { contents } from './contents.js';
import { conversations } from './conversations.js';
import { creation } from './creation.js';
import type { Defect } from './defect.js';
import { directories } from './directories.js';
import { linux } from './linux.js';
import { names } from './names.js';
import { walks } from './walks.js';

/** Everything that a server can do wrong, as far as the suite must notice. */
export const defects: readonly Defect[] = [
  conversations,
  walks,
  contents,
  creation,
  directories,
  attributes,
  names,
  linux,
].flat();
