/*
 * System call filters by libseccomp. Runs in a role that seals itself, as root
 * or as the user of a rootless start, before it reads anything. Every failure
 * is an error: a rule that cannot be built is never left out, except calls
 * that this machine has not got.
 */
#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/err.h"
#include "sandbox/seccomp.h"

/* libseccomp gives -errno. */
static int
seccomp_error(int rc)
{
	errno = -rc;
	return (rc == -ENOMEM ? ERR_NO_MEMORY : ERR_UNSUPPORTED);
}

static struct scmp_arg_cmp
seccomp_translate(const struct profile_condition *c)
{
	struct scmp_arg_cmp out = {.arg = c->argument};

	switch (c->compare) {
	case COMPARE_BELOW:
		out.op = SCMP_CMP_LT;
		out.datum_a = c->value;
		break;
	case COMPARE_ABOVE:
		out.op = SCMP_CMP_GT;
		out.datum_a = c->value;
		break;
	case COMPARE_BITS:
	case COMPARE_NONE:
		out.op = SCMP_CMP_MASKED_EQ;
		out.datum_a = c->mask;
		out.datum_b = c->value;
		break;
	}
	return (out);
}

/*
 * The number of a call: ERR_UNSUPPORTED for a name that libseccomp does not
 * know (a misspelt row, or too old a library). *here is false when this
 * machine has no such call.
 */
static int
seccomp_resolve(const char *call, int *nr, bool *here)
{
	*nr = seccomp_syscall_resolve_name(call);
	*here = *nr >= 0;
	if (*nr == __NR_SCMP_ERROR) {
		errno = ENOSYS;
		return (ERR_UNSUPPORTED);
	}
	return (0);
}

static int
seccomp_add_rule(scmp_filter_ctx ctx, const struct profile_rule *rule)
{
	struct scmp_arg_cmp args[PROFILE_CONDITIONS_MAX];
	uint32_t action = SCMP_ACT_ALLOW;
	unsigned n = 0;
	bool here;
	int nr, rc;

	if ((rc = seccomp_resolve(rule->call, &nr, &here)) != 0 || !here)
		return (rc);
	while (rule->conditions[n].compare != COMPARE_NONE) {
		args[n] = seccomp_translate(&rule->conditions[n]);
		n++;
	}
	if (rule->action == PROFILE_REFUSE)
		action = SCMP_ACT_ERRNO((uint16_t)rule->error);
	rc = seccomp_rule_add_exact_array(ctx, action, nr, n, args);
	return (rc == 0 ? 0 : seccomp_error(rc));
}

/*
 * A search tree instead of a list of comparisons (the kernel itself caches
 * what is allowed whatever the arguments); violations are logged by the
 * kernel where it can; other architectures' calls end the process.
 */
static int
seccomp_set_attributes(scmp_filter_ctx ctx)
{
	int rc;

	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0)) != 0)
		return (seccomp_error(rc));
	rc = seccomp_attr_set(
	    ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc != 0)
		return (seccomp_error(rc));
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc != 0 && rc != -EOPNOTSUPP)
		return (seccomp_error(rc));
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	if (rc != 0 && rc != -EOPNOTSUPP)
		return (seccomp_error(rc));
	return (0);
}

/* A profile's rules, or those that close the network behind it. */
static int
seccomp_install_rules(enum sandbox_profile profile, bool local, uint32_t rest)
{
	const struct profile_rule *rules;
	scmp_filter_ctx ctx;
	size_t n;
	int rc;

	if ((ctx = seccomp_init(rest)) == NULL)
		return (ERR_NO_MEMORY);
	if ((rc = seccomp_set_attributes(ctx)) != 0)
		goto out;
	rules = profile_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if ((rules[i].profiles & (UINT32_C(1) << profile)) == 0)
			continue;
		if ((rules[i].sanitizer && !PROFILE_SANITIZED) ||
		    rules[i].local != local)
			continue;
		if ((rc = seccomp_add_rule(ctx, &rules[i])) != 0)
			goto out;
	}
	if ((rc = seccomp_load(ctx)) != 0)
		rc = seccomp_error(rc);
out:
	seccomp_release(ctx);
	/* What building took, no worker of a zygote should have to share. */
	malloc_trim(0);
	return (rc);
}

int
seccomp_install_profile(enum sandbox_profile profile)
{
	return (seccomp_install_rules(profile, false,
	    profile_get(profile)->programs ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP));
}

int
seccomp_close_network(enum sandbox_profile profile)
{
	return (seccomp_install_rules(profile, true, SCMP_ACT_ALLOW));
}

/* A program of another architecture must not pass by the filter. */
static int
seccomp_add_architectures(scmp_filter_ctx ctx)
{
	uint32_t other[2] = {0, 0};
	int rc;

	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		other[0] = SCMP_ARCH_X86;
		other[1] = SCMP_ARCH_X32;
		break;
	case SCMP_ARCH_AARCH64:
		other[0] = SCMP_ARCH_ARM;
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < 2 && other[i] != 0; i++) {
		if ((rc = seccomp_arch_add(ctx, other[i])) != 0)
			return (seccomp_error(rc));
	}
	return (0);
}

static int
seccomp_add_session_rules(scmp_filter_ctx ctx, enum sandbox_session level)
{
	const struct profile_session_rule *rules;
	bool here;
	size_t n;
	int nr, rc;

	rules = profile_session_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if (rules[i].from > level)
			continue;
		/* A call that is not here may be another architecture's. */
		if ((rc = seccomp_resolve(rules[i].call, &nr, &here)) != 0)
			return (rc);
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
		if (rc != 0)
			return (seccomp_error(rc));
	}
	return (0);
}

int
seccomp_install_session(enum sandbox_session level)
{
	scmp_filter_ctx ctx;
	int rc;

	if (level == SANDBOX_SESSION_NONE)
		return (0);
	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		return (ERR_NO_MEMORY);
	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0)) != 0 ||
	    (rc = seccomp_attr_set(
		 ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS))) != 0) {
		rc = seccomp_error(rc);
		goto out;
	}
	if ((rc = seccomp_add_architectures(ctx)) != 0 ||
	    (rc = seccomp_add_session_rules(ctx, level)) != 0)
		goto out;
	if ((rc = seccomp_load(ctx)) != 0)
		rc = seccomp_error(rc);
out:
	seccomp_release(ctx);
	return (rc);
}

const char *
sandbox_syscall_name(int32_t nr, char *buf, size_t size)
{
	char *name;

	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
	if (name != NULL)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "syscall-%d", nr);
	free(name);
	return (buf);
}
