import { type Duplex, duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { leadBuilder } from '../../src/namespace/control.js';

describe('the leader of a builder', () => {
  it('lets it begin when it is ready and admitted, and tells what became of imports in order', async () => {
    const { daemon, builder, heard } = ends();
    let admit = () => {};
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    let mounted = () => {};
    const slow = new Promise<void>((resolve) => {
      mounted = resolve;
    });
    const begun: string[] = [];
    const led = leadBuilder(daemon, admitted, () => {
      begun.push('all');
      return [slow, Promise.reject(new Error('no\nsuch  host')), Promise.resolve()];
    });
    await turn();
    expect(begun).toEqual([]);
    builder.write('ready\n');
    await turn();
    expect([begun, heard()]).toEqual([['all'], '']);
    admit();
    await turn();
    expect(heard()).toBe('begin\n');
    mounted();
    await led;
    await turn();
    expect(heard()).toBe('begin\nok\nno such host\nok\n');
  });

  it('mounts nothing for a builder that was killed before', async () => {
    const { daemon, builder } = ends();
    const led = leadBuilder(daemon, Promise.resolve(), () => {
      throw new Error('must not be called');
    });
    builder.destroy();
    daemon.destroy();
    await led;
  });
});

function ends() {
  const [daemon, builder] = duplexPair() as [Duplex, Duplex];
  let text = '';
  builder.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  return { daemon, builder, heard: () => text };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
