/*
 * Which of two values of a keyword of sshd's lets more happen. Values are as
 * `sshd -T` prints them, so that no spelling and no default is to be known
 * here. Pure; planner (root).
 */
#ifndef PORTREEVE_CONF_SSHD_ORDER_H
#define PORTREEVE_CONF_SSHD_ORDER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether `theirs` is looser than `ours`, or cannot be compared with it; never
 * for a keyword (lower case) without an order.
 */
bool order_is_looser(const char *keyword, const char *ours, const char *theirs);

/*
 * The value of a keyword in what `sshd -T` printed, malloc'd; NULL when it is
 * not there.
 */
char *order_value(const char *dump, const char *keyword);

/*
 * The i-th keyword with an order that a text in sshd's words states, lower
 * case; *statement is the comment in the line above, of *n bytes. NULL past
 * the last one.
 */
const char *order_stated(
    const char *text, size_t i, const char **statement, size_t *n);

#endif
