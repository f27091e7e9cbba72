import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildDate } from '../build-date.mjs';
import { parseText } from '../describe/text.mjs';
import { ROOT } from '../paths.mjs';
import { LIST, manualPage } from './page.mjs';

/**
 * Writes the manual page of each command to the place that its package.json names as `man`, which is where npm
 * installs it from.
 *
 * @param {readonly import('../describe/commands.mjs').Description[]} commands
 * @returns {Promise<string[]>} the files
 */
export async function writeManuals(commands) {
  const pages = await Promise.all(
    commands.map(async (command) => ({ command, ...(await placeOf(command.name)) })),
  );
  const date = buildDate();
  return Promise.all(
    pages.map(async ({ command, name, section, file }) => {
      const others = pages.filter((page) => page.name !== name).sort(byName);
      const more = await moreOf(name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, manualPage(command, { section, date, others, more }));
      return file;
    }),
  );
}

/** Where the manual page of a command is. */
export async function placeOf(name) {
  const folder = join(ROOT, 'packages', name);
  const { man: [man] = [`dist/man/${name}.1`] } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  );
  return { name, section: Number(man.at(-1)), file: join(folder, man) };
}

/**
 * What is said in the manual only, from the package's manual.txt: headings in capitals, each on a line of its own, and
 * below them what help texts consist of. Files and variables are lists.
 */
async function moreOf(name) {
  const file = join(ROOT, 'packages', name, 'manual.txt');
  const text = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const more = new Map();
  const [, ...parts] = `\n${text}`.split(/\n([A-Z][A-Z ]+)\n/);
  for (let index = 0; index < parts.length; index += 2) {
    const [title, body] = parts.slice(index, index + 2);
    const list = title === 'FILES' || title === 'ENVIRONMENT';
    more.set(title, parseText(list ? `${LIST}:\n${body}` : body));
  }
  return more;
}

function byName(a, b) {
  return a.section - b.section || (a.name < b.name ? -1 : 1);
}
