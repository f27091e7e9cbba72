/**
 * Shipping programs to nodes that have nothing of them: `run(nodes, argv, { ship: ship({ program, args }) })`.
 * @module @xcpu/libxcpu/ship
 */
export { type ShipOptions, type ShipProgress, ship } from './ship.js';
