import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { processStart } from '../../src/process-stat.js';
import { startBelow } from '../../src/program/descent.js';

describe('startBelow', () => {
  const started: ReturnType<typeof spawn>[] = [];
  const start = (script: string) => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    started.push(child);
    return child;
  };
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('knows the program and what is below it, and nobody else', async () => {
    // Ends with its input, and so with this test.
    const child = start('sh -c "echo \\$\\$; cat"; :');
    const [text] = await once(child.stdout!, 'data');
    const [program, below] = [child.pid!, Number(text)];
    expect(await startBelow(program, program)).toBe(processStart(program));
    expect(await startBelow(below, program)).toBe(processStart(below));
    expect(await startBelow(program, below)).toBeUndefined();
    expect(await startBelow(process.pid, program)).toBeUndefined();
    expect(await startBelow(1, program)).toBeUndefined();
  });

  it('holds up nobody else while it looks', async () => {
    const looking = startBelow(process.pid, 2 ** 30).then(() => 'looked');
    expect(await Promise.race([looking, nextTurn('others had a turn')])).toBe('others had a turn');
    expect(await looking).toBe('looked');
  });
});
