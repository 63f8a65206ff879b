/*
 * The errors that every module returns: 0, or a negative ERR_ value whose text
 * is in one list. Runs in every process. Nothing here exits or allocates.
 */
#ifndef PORTREEVE_LIB_ERR_H
#define PORTREEVE_LIB_ERR_H

#define ERR_LIST(X)                                                            \
	X(ERR_SYSTEM, -1, "a system call failed")                              \
	X(ERR_NO_MEMORY, -2, "out of memory")                                  \
	X(ERR_AGAIN, -3, "would block")                                        \
	X(ERR_CLOSED, -4, "the other end has closed")                          \
	X(ERR_TRUNCATED, -5, "the message is too short")                       \
	X(ERR_TOO_LONG, -6, "too long")                                        \
	X(ERR_TYPE, -7, "no such message type")                                \
	X(ERR_SENDER, -8, "the sender may not send this message")              \
	X(ERR_STATE, -9, "the message is not allowed in this state")           \
	X(ERR_FDS, -10, "wrong number of descriptors")                         \
	X(ERR_VALUE, -11, "a value is out of its range")                       \
	X(ERR_SYNTAX, -12, "syntax error")                                     \
	X(ERR_NOT_FOUND, -13, "not found")                                     \
	X(ERR_REFUSED, -14, "refused")                                         \
	X(ERR_FULL, -15, "full")                                               \
	X(ERR_UNSUPPORTED, -16, "not supported by this system")                \
	X(ERR_TIMEOUT, -17, "out of time")                                     \
	X(ERR_SHORT, -18, "out of descriptors or memory")                      \
	X(ERR_BUILD, -19,                                                      \
	    "the daemon is of another build: systemctl restart portreeve")

enum err {
	ERR_OK = 0,
#define X(name, value, text) name = value,
	ERR_LIST(X)
#undef X
};

/* The text of an ERR_ value, a constant; "success" for 0. */
const char *err_text(int err);

#endif
