/* What all unit tests share that play one end of a channel. Tests only. */
#include "tests/stage/stage.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
stage_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static int
stage_reads_over(enum msg_type type)
{
	return (type == MSG_RETIRED || type == MSG_ZYGOTE_LOST ||
		type == MSG_LOOKUP_LOST);
}

void
stage_expect(struct ipc_channel *ch, enum msg_type type, struct ipc_in *in)
{
	int err;

	do {
		stage_readable(ch->fd);
		err = ipc_recv(ch, in);
	} while (err == 0 && in->type != type && stage_reads_over(in->type));
	if (err != 0)
		fail_msg("no %s: %s", msg_name(type), err_text(err));
	if (in->type == MSG_FAILED && type != MSG_FAILED)
		fail_msg("%s", in->msg.failed.reason);
	if (in->type != type)
		fail_msg(
		    "%s where %s was due", msg_name(in->type), msg_name(type));
}

void
stage_expect_closed(struct ipc_channel *ch)
{
	struct ipc_in in;
	int err;

	do {
		stage_readable(ch->fd);
		err = ipc_recv(ch, &in);
	} while (err == 0 && in.type == MSG_RETIRED);
	assert_int_equal(err, ERR_CLOSED);
}

void
stage_tell(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	int err = ipc_send_wait(ch, type, msg, fds, nfds);

	if (err != 0)
		fail_msg("%s: %s", msg_name(type), err_text(err));
}

void
stage_pair(int pair[2])
{
	assert_int_equal(fd_seqpacket_pair(pair), 0);
}

int
stage_memfd(size_t size)
{
	int fd = memfd_create("portreeve-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return (fd);
}

const char *
stage_program(const char *name)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t room;
	char *cut;

	assert_true(n > 0);
	path[n] = '\0';
	cut = strstr(path, "/tests/");
	assert_non_null(cut);
	room = sizeof(path) - (size_t)(cut - path);
	assert_in_range(snprintf(cut, room, "/%s", name), 1, room - 1);
	return (path);
}

size_t
stage_read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		ssize_t r;

		stage_readable(fd);
		r = read(fd, buf + n, size - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
		assert_true(n < size - 1);
	}
	buf[n] = '\0';
	return (n);
}

int
stage_count_fds(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n - 2);
}

int
stage_exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (WEXITSTATUS(status));
}

void
stage_attach(
    struct ipc_channel *monitor, struct ipc_channel *master, uint16_t pool)
{
	struct msg_master_channel m = {.pool = pool};
	struct ipc_in in;
	int pair[2];

	stage_pair(pair);
	stage_tell(monitor, MSG_MASTER_CHANNEL, &m, &pair[1], 1);
	close(pair[1]);
	ipc_channel_init(master, pair[0], ROLE_MASTER, ROLE_ZYGOTE, ST_UP);
	stage_expect(master, MSG_ATTACHED, &in);
	assert_int_equal(in.msg.attached.instance, 7);
}
