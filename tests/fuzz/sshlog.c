/*
 * Fuzzer of the log reader's parser and of a connection's state. The first
 * byte of every record says who wrote it. What must hold: a record that the
 * leader did not write makes no login and no failure, one with [preauth] no
 * login, parts lie within the record.
 */
#include <stdlib.h>
#include <string.h>

#include "workers/logreader/sshsession.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_root(const char *name)
{
	return (strcmp(name, "root") == 0);
}

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_part(const struct sshlog_part *part, const char *p, size_t n)
{
	require(part->n == 0 || (part->p >= p && part->p + part->n <= p + n));
}

static void
one_record(struct sshsession *s, const struct sshsession_config *c, uint8_t who,
    const char *p, size_t n, uint64_t now)
{
	struct sshsession_writer w = {.leader = (who & 1) != 0,
	    .pid = who >> 4,
	    .uid = (uid_t)((who >> 1) & 1)};
	struct sshsession_actions out;
	struct sshlog log;

	sshlog_parse(p, n, &log);
	check_part(&log.method, p, n);
	check_part(&log.user, p, n);
	check_part(&log.tty, p, n);
	sshsession_record(s, c, &w, p, n, now, &out);
	require(out.n <= SSHSESSION_ACTIONS_MAX);
	for (size_t i = 0; i < out.n; i++) {
		enum sshsession_act act = out.a[i].act;

		require(memchr(out.a[i].user, '\0', SSHSESSION_USER_MAX));
		require(memchr(out.a[i].method, '\0', SSHSESSION_METHOD_MAX));
		require(memchr(out.a[i].tty, '\0', SSHSESSION_TTY_MAX));
		if (!w.leader || w.uid != c->privileged)
			require(
			    act == SSHSESSION_OPENED || act == SSHSESSION_TTY);
		if (log.preauth)
			require(act == SSHSESSION_FAILURE ||
				act == SSHSESSION_FLOOD);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sshsession_config c = {.root_login = SSHSESSION_ROOT_DENY,
	    .packets = 20,
	    .is_root = is_root};
	struct sshsession s = {.session = 1};
	struct sshsession_actions out;
	uint64_t now = 0;

	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end == NULL ? size : (size_t)(end - data) + 1;

		one_record(&s, &c, data[0], (const char *)data + 1, n - 1, now);
		now += 1000000000;
		data += n;
		size -= n;
	}
	sshsession_tick(&s, &c, 3, now, &out);
	return (0);
}
