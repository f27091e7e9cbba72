export { NodeSetError } from './errors.js';
export {
  DEFAULT_EXPAND_LIMIT,
  MAX_DIGITS,
  MAX_NODE_LENGTH,
  MAX_NODE_MAP_LENGTH,
  MAX_TEXT_LENGTH,
} from './limits.js';
export { compareNodes } from './name.js';
export { formatNode, type NodeAddress, parseNode } from './node.js';
export {
  formatNodeMap,
  lookupNode,
  type NodeMap,
  type NodeMapError,
  nodeMapPaths,
  parseNodeMap,
} from './node-map.js';
export { count, type ExpandOptions, expand, fold, NodeSet } from './node-set.js';
