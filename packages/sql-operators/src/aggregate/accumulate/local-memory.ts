/**
 * What a local phase may hold before it hands on and forgets, beside its number of groups.
 *
 * Known to the local phases of GROUP BY with and without a window.
 */

/** Of keys and values, as allocated: a slot may have a few hundred MB for everything. */
export const LOCAL_TEXT_BYTES_MAX = 32 * 1024 * 1024
