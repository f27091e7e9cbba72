import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Example, examplesOf, readDocument, Workshop } from '../support/guide.js';

for (const [index, document] of ['docs/9p.md', 'packages/9p-protocol/README.md'].entries()) {
  const examples = examplesOf(await readDocument(document));
  const sections = [...new Set(examples.map(({ section }) => section))];

  describe(document, () => {
    let workshop: Workshop;
    beforeAll(async () => {
      workshop = await Workshop.make();
    });
    afterAll(() => workshop.remove());

    it('has programs whose types are right', async () => {
      expect(examples.length).toBeGreaterThan(1);
      expect(await workshop.typeErrors(examples)).toBe('');
    });

    let number = 0;
    for (const section of sections) {
      const host = `127.0.${101 + index}.${++number}`;
      it(`does what it shows: ${section}`, async () => {
        for (const program of examples.filter((example) => example.section === section)) {
          expect(await workshop.run(program, host), at(program)).toBe(program.output ?? '');
        }
        await workshop.stop();
      });
    }
  });
}

function at({ line }: Example): string {
  return `the program at line ${line}`;
}
