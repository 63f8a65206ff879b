/*
 * Whether there are capabilities to give up, by libcap. Runs in a role that
 * seals itself, and in the monitor (root), which asks what a planner can do.
 */
#include <sys/capability.h>

#include <stddef.h>

#include "sandbox/caps.h"

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
