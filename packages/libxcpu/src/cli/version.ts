declare const XCPU_VERSION: string | undefined;

/** The version of the command that this is part of; the bundler fills it in. */
export const VERSION: string = typeof XCPU_VERSION === 'string' ? XCPU_VERSION : 'unbundled';
