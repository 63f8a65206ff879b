/*
 * The rules of system calls that sandbox/profiles.def writes down. Linked into
 * every role that seals itself; holds constants only.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "sandbox/profile.h"

/* Of Linux 6.5; not in older C libraries. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define P(name) (UINT32_C(1) << SANDBOX_##name)
#define ALWAYS                                                                 \
	{                                                                      \
		{                                                              \
			COMPARE_NONE, 0, 0, 0                                  \
		}                                                              \
	}
#define IF(...)                                                                \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#define BITS(arg, m, v)                                                        \
	{                                                                      \
		COMPARE_BITS, (arg), (uint64_t)(m), (uint64_t)(v)              \
	}
#define EQ(arg, v) BITS(arg, UINT64_MAX, v)
#define ONLY(arg, bits) BITS(arg, ~(uint64_t)(bits), 0)
#define WITHOUT(arg, bits) BITS(arg, bits, 0)
#define BELOW(arg, v)                                                          \
	{                                                                      \
		COMPARE_BELOW, (arg), 0, (uint64_t)(v)                         \
	}

#define ABOVE(arg, v)                                                          \
	{                                                                      \
		COMPARE_ABOVE, (arg), 0, (uint64_t)(v)                         \
	}

#define PROFILE(name, ...)
#define ALLOW(set, call, when, why)                                            \
	{(set), #call, PROFILE_ALLOW, 0, when, #when, (why), false, false},
#define REFUSE(set, call, error, why)                                          \
	{(set), #call, PROFILE_REFUSE, (error), ALWAYS, "ALWAYS", (why),       \
	    false, false},
#define DENY(set, call, when, why)                                             \
	{(set), #call, PROFILE_REFUSE, EPERM, when, #when, (why), false, false},
#define LOCAL(set, call, error, when, why)                                     \
	{(set), #call, PROFILE_REFUSE, (error), when, #when, (why), false,     \
	    true},
#define SANITIZER(set, call, when, why)                                        \
	{(set), #call, PROFILE_ALLOW, 0, when, #when, (why), true, false},
#define SESSION(from, call, why)

static const struct profile_rule rules[] = {
#include "sandbox/profiles.def"
};

#undef PROFILE
#undef ALLOW
#undef REFUSE
#undef DENY
#undef LOCAL
#undef SANITIZER
#undef SESSION
#define PROFILE(name, ...)
#define ALLOW(set, call, when, why)
#define REFUSE(set, call, error, why)
#define DENY(set, call, when, why)
#define LOCAL(set, call, error, when, why)
#define SANITIZER(set, call, when, why)
#define SESSION(from, call, why) {SANDBOX_SESSION_##from, #call, (why)},

static const struct profile_session_rule session_rules[] = {
#include "sandbox/profiles.def"
};

const struct profile_rule *
profile_rules(size_t *n)
{
	*n = sizeof(rules) / sizeof(rules[0]);
	return (rules);
}

const struct profile_session_rule *
profile_session_rules(size_t *n)
{
	*n = sizeof(session_rules) / sizeof(session_rules[0]);
	return (session_rules);
}
