/*
 * For the tests of sandbox/: run a function in a child that sealed itself, and
 * tell how it ended. As root the profiles are tried in full, as an ordinary
 * user at the level rootless.
 */
#include "tests/stage/sealed.h"

char sealed_root[64];
int sealed_quiet = -1;

int
sealed_setup(void **state)
{
	(void)state;
	if ((sealed_quiet = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1)
		return (-1);
	strcpy(sealed_root, "/tmp/portreeve-empty-XXXXXX");
	return (mkdtemp(sealed_root) == NULL ? -1 : chmod(sealed_root, 0555));
}

int
sealed_teardown(void **state)
{
	(void)state;
	fd_close(&sealed_quiet);
	return (rmdir(sealed_root));
}

bool
sealed_as_root(void)
{
	return (geteuid() == 0);
}

struct sandbox_params
sealed_params(enum sandbox_profile id)
{
	struct sandbox_params p = {
	    .level = sealed_as_root() ? SANDBOX_FULL : SANDBOX_ROOTLESS,
	    .uid = SEALED_UID,
	    .gid = SEALED_GID,
	    .session = SANDBOX_SESSION_STANDARD,
	    .parent = getpid(),
	};

	if (profile_get(id)->empty_root)
		p.root = sealed_root;
	return (p);
}

void
sealed_or_exit(enum sandbox_profile id, const struct sandbox_params *params,
    struct sandbox_report *report)
{
	if (sandbox_seal(id, params, report) == 0)
		return;
	fprintf(stderr, "%s\n", report->error);
	_exit(SEALED_FAILED);
}

struct outcome
sealed_wait(pid_t pid, int channel)
{
	struct outcome out = {0, -1, -1};
	int32_t message[2];
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return (out);
	if (WIFSIGNALED(status))
		out.signal = WTERMSIG(status);
	else
		out.status = WEXITSTATUS(status);
	if (recv(channel, message, sizeof(message), MSG_DONTWAIT) ==
		sizeof(message) &&
	    message[0] == 0x5043)
		out.number = message[1];
	return (out);
}

struct outcome
sealed_run_with(enum sandbox_profile id, const struct sandbox_params *params,
    int (*act)(const void *), const void *arg)
{
	const int32_t message[2] = {0x5043, 0};
	struct sandbox_report report;
	struct outcome out;
	int pair[2];
	pid_t pid;

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		sealed_or_exit(id, params, &report);
		if (dup2(sealed_quiet, STDERR_FILENO) == -1 ||
		    sandbox_set_violation_message(pair[1], message,
			sizeof(message), sizeof(message[0])) != 0)
			_exit(SEALED_FAILED);
		_exit(act(arg));
	}
	assert_true(pid > 0);
	out = sealed_wait(pid, pair[0]);
	close(pair[0]);
	close(pair[1]);
	assert_int_not_equal(out.status, SEALED_FAILED);
	return (out);
}

struct outcome
sealed_run(enum sandbox_profile id, int (*act)(const void *), const void *arg)
{
	struct sandbox_params params = sealed_params(id);

	return (sealed_run_with(id, &params, act, arg));
}
