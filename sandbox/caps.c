/*
 * Capabilities by libcap. Runs in a role that seals itself, while it is root
 * (or root of a user namespace that it made itself).
 */
#include <sys/capability.h>
#include <sys/prctl.h>

#include <errno.h>
#include <linux/securebits.h>
#include <stdio.h>

#include "lib/err.h"
#include "sandbox/caps.h"

#define CAPS_SECUREBITS                                                        \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |      \
	    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |      \
	    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

int
caps_close(bool keep)
{
	unsigned long bits = CAPS_SECUREBITS | (keep ? SECBIT_KEEP_CAPS : 0);

	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++) {
		if (cap_drop_bound(c) != 0)
			return (ERR_SYSTEM);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return (ERR_SYSTEM);
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0)
		return (ERR_SYSTEM);
	return (0);
}

static int
caps_set(cap_t caps)
{
	int rc;

	if (caps == NULL)
		return (ERR_SYSTEM);
	rc = cap_set_proc(caps);
	cap_free(caps);
	return (rc == 0 ? 0 : ERR_SYSTEM);
}

#define CAPS_BIT(c) (UINT64_C(1) << (c))

/* Of these, what root has here: a container's root may have less. */
int
caps_reduce(uint64_t keep)
{
	cap_flag_value_t has;
	cap_t now, next;
	int rc = 0;

	now = cap_get_proc();
	next = cap_init();
	if (now == NULL || next == NULL)
		rc = -1;
	for (cap_value_t c = 0; rc == 0 && c < 64; c++) {
		if ((keep & CAPS_BIT(c)) == 0)
			continue;
		if ((rc = cap_get_flag(now, c, CAP_PERMITTED, &has)) != 0)
			break;
		if (has == CAP_CLEAR)
			continue;
		rc = cap_set_flag(next, CAP_PERMITTED, 1, &c, CAP_SET);
		if (rc == 0)
			rc = cap_set_flag(next, CAP_EFFECTIVE, 1, &c, CAP_SET);
	}
	cap_free(now);
	if (rc != 0) {
		cap_free(next);
		return (ERR_SYSTEM);
	}
	return (caps_set(next));
}

int
caps_keep_starter(void)
{
	return (caps_reduce(CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETGID) |
			    CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_SYS_NICE) |
			    CAPS_BIT(CAP_SYS_RESOURCE)));
}

int
caps_keep(uint64_t keep)
{
	for (cap_value_t c = 0; caps_can_close() && cap_get_bound(c) >= 0;
	     c++) {
		if ((keep & CAPS_BIT(c)) == 0 && cap_drop_bound(c) != 0)
			return (ERR_SYSTEM);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return (ERR_SYSTEM);
	return (caps_reduce(keep));
}

bool
caps_are_within(uint64_t keep)
{
	cap_flag_value_t permitted, effective, inheritable;
	cap_t caps = cap_get_proc();
	bool within = caps != NULL;

	for (cap_value_t c = 0; within && cap_get_bound(c) >= 0; c++) {
		within =
		    cap_get_flag(caps, c, CAP_PERMITTED, &permitted) == 0 &&
		    cap_get_flag(caps, c, CAP_EFFECTIVE, &effective) == 0 &&
		    cap_get_flag(caps, c, CAP_INHERITABLE, &inheritable) == 0;
		if (within && (keep & CAPS_BIT(c)) == 0)
			within =
			    permitted == CAP_CLEAR && effective == CAP_CLEAR;
		within = within && inheritable == CAP_CLEAR &&
			 cap_get_ambient(c) == 0;
	}
	cap_free(caps);
	return (within);
}
