import { appendFileSync } from 'node:fs';
import { Command as Original } from 'commander';

export * from 'commander';

/**
 * commander's Command, which writes what it is asked to parse to the file `$XCPU_DESCRIBE_TO`, a JSON text per line,
 * before it does so. Built into a command in place of the real one, it tells the options and texts of that command,
 * whatever way they were put there.
 */
export class Command extends Original {
  #texts = [];

  addHelpText(position, text) {
    this.#texts.push(text);
    return super.addHelpText(position, text);
  }

  parse(...args) {
    appendFileSync(process.env.XCPU_DESCRIBE_TO, `${JSON.stringify(this.#describe())}\n`);
    return super.parse(...args);
  }

  #describe() {
    const help = this.createHelp();
    return {
      name: this.name(),
      usage: this.usage()
        .split('\n')
        .map((form) => form.trim().replace(`${this.name()} `, '')),
      summary: this.description(),
      options: help.visibleOptions(this).map((option) => ({
        ...(option.short && { short: option.short }),
        ...(option.long && { long: option.long }),
        ...((option.required || option.optional) && { value: valueName(option.flags) }),
        ...(option.argChoices && { choices: option.argChoices }),
        text: help.optionDescription(option),
      })),
      // Set by passThroughOptions(), which has no counterpart that tells it.
      stopsAtOperands: this._passThroughOptions === true,
      texts: this.#texts,
    };
  }
}

/** `FILE` of `-k, --key <FILE>`. */
function valueName(flags) {
  return /[<[](.+?)(?:\.\.\.)?[>\]]$/.exec(flags)?.[1] ?? 'VALUE';
}
