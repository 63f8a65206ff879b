/*
 * Plays a stranger who connects over loopback. For tests/unit/master.
 */
#include "tests/stage/peer.h"

int
peer_connect_from(const char *from, const struct addr *a)
{
	struct sockaddr_storage ss;
	struct addr source;
	socklen_t len;
	int fd;

	addr_to_sockaddr(a, &ss, &len);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (from != NULL) {
		struct sockaddr_storage local;
		socklen_t n;

		assert_int_equal(addr_parse(&source, from, 0), 0);
		addr_to_sockaddr(&source, &local, &n);
		assert_int_equal(bind(fd, (struct sockaddr *)&local, n), 0);
	}
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return (fd);
}

int
peer_connect(const struct addr *a)
{
	return (peer_connect_from(NULL, a));
}

void
peer_reads(int fd, const char *text)
{
	char buf[512];
	size_t n = 0;
	ssize_t r;

	do {
		stage_readable(fd);
		r = read(fd, buf + n, sizeof(buf) - 1 - n);
		if (r < 0)
			fail_msg("the peer got %s", strerror(errno));
		n += (size_t)r;
	} while (r > 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
	close(fd);
}
