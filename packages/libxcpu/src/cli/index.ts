/** What the commands share beside the library: starting and ending, options, operands. Loads nothing heavy. */

export { FdWriter } from '../fd-writer.js';
export { printable } from '../node/errors.js';
export { printError, printOut } from '../print.js';
export { type AdminCommand, idOperand, runAdminCommand, takeVerb, type Verb } from './admin.js';
export { formatColumns, linesThatFit } from './columns.js';
export { type CommandLine, type CommandText, parseCommandLine } from './command-line.js';
export { usesMore } from './compiled-code.js';
export { type FoldedReason, foldErrors, foldReasons, type NodeReason } from './folding.js';
export { type NodeOperands, seconds, takeNodes } from './operands.js';
export {
  ADMIN_KEY_OPTION,
  type Asked,
  askNodes,
  type Reach,
  type ReachOptions,
  reachNodes,
} from './reach.js';
export { sizeText } from './size-text.js';
export { start } from './start.js';
export { VERSION } from './version.js';
