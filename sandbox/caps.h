/*
 * Capabilities and the ways back to them. Linux: libcap. Called while a
 * process seals itself.
 */
#ifndef PORTREEVE_SANDBOX_CAPS_H
#define PORTREEVE_SANDBOX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this process may use CAP_SETPCAP: it can then close the ways back. */
bool caps_can_close(void);

/*
 * Close the ways back: an empty bounding and ambient set, and securebits that
 * give an execve() by uid 0 nothing, locked. keep: a change of the uid takes no
 * capability, until caps_reduce() does. Needs CAP_SETPCAP. 0, ERR_SYSTEM with
 * errno.
 */
int caps_close(bool keep);

/*
 * Keep these, as bits, as far as this process has them, in force; drop all
 * others. 0, ERR_SYSTEM with errno.
 */
int caps_reduce(uint64_t keep);

/*
 * Keep these, as bits, as far as this process has them, and close the ways to
 * all others: root's programs have no more. 0, ERR_SYSTEM with errno.
 */
int caps_keep(uint64_t keep);

/* Whether it has none but these, ambient and inheritable ones neither. */
bool caps_are_within(uint64_t keep);

/*
 * Keep in force only what a program's start needs: the exec zygote's. The
 * bounding set stays, for setuid programs that the program may start. 0,
 * ERR_SYSTEM with errno.
 */
int caps_keep_starter(void);

#endif
