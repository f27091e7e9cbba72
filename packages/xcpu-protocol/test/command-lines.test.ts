import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandLineBuffer, XcpuFormatError } from '../src/index.js';

const push = (buffer: CommandLineBuffer, text: string) => [...buffer.push(Buffer.from(text))];

describe('CommandLineBuffer', () => {
  it('yields several commands of one write and one of several writes', () => {
    const buffer = new CommandLineBuffer();
    expect(push(buffer, 'id /1\nexec /bin/date\nsig')).toEqual(['id /1', 'exec /bin/date']);
    expect(push(buffer, 'nal ')).toEqual([]);
    expect(push(buffer, '15\n')).toEqual(['signal 15']);
  });

  it('leaves blank lines out', () => {
    expect(push(new CommandLineBuffer(), '\n \t\nwipe\n\n')).toEqual(['wipe']);
  });

  it('stops at a NUL and ignores the rest of that write only', () => {
    const buffer = new CommandLineBuffer();
    expect(push(buffer, 'user-flush\n\0ZZZZ\nuser-del root\n')).toEqual(['user-flush']);
    expect(push(buffer, 'wi\0junk')).toEqual([]);
    expect(push(buffer, 'pe\n')).toEqual(['wipe']);
  });

  it('ends a command at the newline even inside quotes', () => {
    expect(push(new CommandLineBuffer(), "exec 'a\nb'\n")).toEqual(["exec 'a", "b'"]);
  });

  it('puts characters together that span writes', () => {
    const bytes = Buffer.from('exec é\n');
    const buffer = new CommandLineBuffer();
    expect([...buffer.push(bytes.subarray(0, 6)), ...buffer.push(bytes.subarray(6))]).toEqual([
      'exec é',
    ]);
  });

  it('drops the rest of a write when the caller fails, and starts clean', () => {
    const buffer = new CommandLineBuffer();
    const run = () => {
      for (const line of buffer.push(Buffer.from('one\ntwo\nthr'))) {
        throw new Error(line);
      }
    };
    expect(run).toThrow('one');
    expect(push(buffer, 'ee\n')).toEqual(['ee']);
  });

  it('drops an unfinished command at discard and reset', () => {
    const buffer = new CommandLineBuffer();
    push(buffer, 'wi');
    buffer.discard();
    expect(push(buffer, 'exec a\nwi')).toEqual(['exec a']);
    buffer.discard();
    expect(push(buffer, 'close stdin\n')).toEqual(['close stdin']);
  });

  it('keeps its own copy of the bytes', () => {
    const buffer = new CommandLineBuffer();
    const bytes = Buffer.from('one\ntwo\nth');
    const lines = buffer.push(bytes);
    expect(lines.next().value).toBe('one');
    bytes.fill('x');
    expect([...lines]).toEqual(['two']);
    expect(push(buffer, 'ree\n')).toEqual(['three']);
  });

  it('refuses a command that is too long, finished or not, and starts clean', () => {
    const buffer = new CommandLineBuffer(5);
    expect(push(buffer, '12345\n')).toEqual(['12345']);
    for (const text of ['123456\nwipe\n', '123456']) {
      expect(() => push(buffer, text)).toThrow(
        new XcpuFormatError('command too long: more than 5 bytes'),
      );
      expect(push(buffer, 'wipe\n')).toEqual(['wipe']);
    }
  });

  it('yields what stands before a command that is too long', () => {
    const lines: string[] = [];
    expect(() => {
      for (const line of new CommandLineBuffer(5).push(Buffer.from('wipe\n1234567\n'))) {
        lines.push(line);
      }
    }).toThrow(XcpuFormatError);
    expect(lines).toEqual(['wipe']);
  });

  it('refuses bytes that are not UTF-8', () => {
    const buffer = new CommandLineBuffer();
    expect(() => [...buffer.push(Buffer.from([0x61, 0xff, 0x0a]))]).toThrow('not valid UTF-8');
    expect(push(buffer, 'wipe\n')).toEqual(['wipe']);
  });

  it('yields the same whatever the writes are cut into', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '\n', "'", 'é', '𝄞') });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 7 })), (value, cuts) => {
        const bytes = Buffer.from(value);
        const buffer = new CommandLineBuffer();
        const lines: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          lines.push(...buffer.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        const whole = value.split('\n').slice(0, -1);
        expect(lines).toEqual(whole.filter((line) => line.trim() !== ''));
      }),
    );
  });
});
