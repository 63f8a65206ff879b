/*
 * Which service has which uid: the file service-uids of the lasting state, a
 * line `UID NAME` for each that was ever given. Planner. A number is never
 * given to another name; the last line of a name counts.
 */
#ifndef PORTREEVE_PLANNER_IDS_FILE_H
#define PORTREEVE_PLANNER_IDS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read it, once; no file is an empty one. ERR_REFUSED with a sentence. */
int ids_file_open(const char *state_dir, char *reason, size_t size);

/* The name's number, 0 for none; whether any name has or had the number. */
uint32_t ids_file_find(const char *name);
bool ids_file_has(uint32_t id);

/* Write it down; only then it is given. ERR_REFUSED with a sentence. */
int ids_file_add(const char *name, uint32_t id, char *reason, size_t size);

/*
 * Cut LOW-HIGH to what a map of user_namespaces(7) has of it: the longest
 * piece within one of its lines. False: it has none.
 */
bool ids_file_cut(const char *map, uint32_t *low, uint32_t *high);

#endif
