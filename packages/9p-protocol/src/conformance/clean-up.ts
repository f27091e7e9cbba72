import { MessageType } from '../constants.js';
import { readRest } from './listing.js';
import { type Access, Subject } from './subject.js';

/** Trees that behaviours make are not deeper. */
const DEEPEST = 20;

/** Removes the directory of a behaviour and what is in it, on a connection of its own. */
export async function cleanUp(access: Access, name: string): Promise<void> {
  const subject = await Subject.connect(access, name);
  try {
    await removeTree(subject, subject.root, name, 0);
  } finally {
    subject.close();
  }
}

async function removeTree(s: Subject, from: number, name: string, depth: number): Promise<void> {
  const fid = await s.walk(name, from);
  try {
    await s.call({ type: MessageType.Tremove, fid });
  } catch (error) {
    const { directory } = await s.info(await s.walk(name, from));
    if (!directory || depth > DEEPEST) throw error;
    await empty(s, await s.walk(name, from), depth);
    await s.call({ type: MessageType.Tremove, fid: await s.walk(name, from) });
  }
}

async function empty(s: Subject, directory: number, depth: number): Promise<void> {
  const open = await s.open([], 0, directory);
  const entries = await readRest(s, open, 0, 32_768);
  await s.clunk(open);
  for (const { name } of entries) await removeTree(s, directory, name, depth + 1);
  await s.clunk(directory);
}
