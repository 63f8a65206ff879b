/*
 * The roles' programs, each opened once when the daemon starts. Whatever is
 * installed over them meanwhile, a running daemon starts only what is of its
 * own build: messages between it and its roles have no version.
 */
#ifndef PORTREEVE_MONITOR_ROLES_IMAGES_H
#define PORTREEVE_MONITOR_ROLES_IMAGES_H

#include <stddef.h>

/*
 * Open every program of the folder that is there; "master" must be. 0, or
 * ERR_NOT_FOUND or ERR_SYSTEM with what to do.
 */
int images_open(const char *folder, char *reason, size_t size);

/*
 * In a child: become the program of that name. Returns only when that failed,
 * with errno (ENOENT: there is none of that name).
 */
void images_exec(const char *name, char *const argv[], char *const env[]);

#endif
