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

bool
caps_can_close(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps;

	if ((caps = cap_get_proc()) == NULL)
		return (false);
	if (cap_get_flag(caps, CAP_SETPCAP, CAP_EFFECTIVE, &value) != 0)
		value = CAP_CLEAR;
	cap_free(caps);
	return (value == CAP_SET);
}

int
caps_close(void)
{
	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++) {
		if (cap_drop_bound(c) != 0)
			return (ERR_SYSTEM);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return (ERR_SYSTEM);
	if (prctl(PR_SET_SECUREBITS, CAPS_SECUREBITS, 0, 0, 0) != 0)
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

int
caps_drop_all(void)
{
	return (caps_set(cap_init()));
}

/* Of these, what root has here: a container's root may have less. */
int
caps_keep_starter(void)
{
	static const cap_value_t keep[] = {
	    CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_SYS_NICE, CAP_SYS_RESOURCE};
	cap_flag_value_t has;
	cap_t now, next;
	int rc = 0;

	now = cap_get_proc();
	next = cap_init();
	if (now == NULL || next == NULL)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < sizeof(keep) / sizeof(keep[0]); i++) {
		if ((rc = cap_get_flag(now, keep[i], CAP_PERMITTED, &has)) != 0)
			break;
		if (has == CAP_CLEAR)
			continue;
		rc = cap_set_flag(next, CAP_PERMITTED, 1, &keep[i], CAP_SET);
		if (rc == 0)
			rc = cap_set_flag(
			    next, CAP_EFFECTIVE, 1, &keep[i], CAP_SET);
	}
	cap_free(now);
	if (rc != 0) {
		cap_free(next);
		return (ERR_SYSTEM);
	}
	return (caps_set(next));
}

bool
caps_are_none(void)
{
	cap_t caps, none;
	bool same;

	caps = cap_get_proc();
	none = cap_init();
	same = caps != NULL && none != NULL && cap_compare(caps, none) == 0;
	cap_free(caps);
	cap_free(none);
	for (cap_value_t c = 0; same && cap_get_bound(c) >= 0; c++)
		same = cap_get_ambient(c) == 0;
	return (same);
}
