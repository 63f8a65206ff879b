/*
 * Login records on Linux. Login process, root; monitor/login/records.h says
 * what they hold.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <lastlog.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/login/records.h"

#define UTMP "/run/utmp"
#define BTMP "/var/log/btmp"
#define LOGINUID "/proc/self/loginuid"

/* Records of wtmp that may come from elsewhere while PAM's session opens. */
#define WTMP_LOOK 256

/* utmp's arrays need no NUL at their end. */
static void
records_put_text(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	memset(dst, 0, size);
	memcpy(dst, src, n < size ? n : size);
}

/* As systemd-tmpfiles makes it, on hosts where nobody has. */
static void
records_make_utmp(void)
{
	struct group *gr = getgrnam("utmp");
	int fd = open(
	    UTMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	if (fchown(fd, 0, gr != NULL ? gr->gr_gid : 0) == 0)
		(void)fchmod(fd, gr != NULL ? 0664 : 0644);
	close(fd);
}

static void
records_fill(struct utmpx *u, const char *line, const char *user)
{
	size_t n = strlen(line);
	struct timeval now;

	memset(u, 0, sizeof(*u));
	gettimeofday(&now, NULL);
	u->ut_tv.tv_sec = (int32_t)now.tv_sec;
	u->ut_tv.tv_usec = (int32_t)now.tv_usec;
	u->ut_pid = getpid();
	records_put_text(u->ut_line, sizeof(u->ut_line), line);
	/* The line's end is what tells lines apart, as others do. */
	records_put_text(u->ut_id, sizeof(u->ut_id),
	    n > sizeof(u->ut_id) ? line + n - sizeof(u->ut_id) : line);
	records_put_text(u->ut_user, sizeof(u->ut_user), user);
}

/*
 * pam_limits has bounded the size of this user's files by now, and so of this
 * process's: the host's records are none of them.
 */
static void
records_lift_file_size(struct rlimit *own)
{
	static const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	if (getrlimit(RLIMIT_FSIZE, own) < 0)
		*own = none;
	(void)setrlimit(RLIMIT_FSIZE, &none);
}

static int
records_write_utmp(const struct utmpx *u)
{
	int err;

	setutxent();
	err = pututxline(u) == NULL ? ERR_SYSTEM : 0;
	endutxent();
	return (err);
}

/* Has a module of PAM's said the same of this line since the mark? */
static bool
records_is_in_wtmp(
    const struct utmpx *u, const struct login_records_mark *since)
{
	const off_t one = (off_t)sizeof(struct utmpx);
	off_t from = since->wtmp;
	struct utmpx got;
	struct stat st;
	bool found = false;
	int fd = open(_PATH_WTMP, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		fd_close(&fd);
		return (false);
	}
	if (from > st.st_size)
		from = 0; /* rotated */
	if (st.st_size - from > WTMP_LOOK * one)
		from = st.st_size - WTMP_LOOK * one;
	for (; !found && pread(fd, &got, sizeof(got), from) == one; from += one)
		found =
		    got.ut_type == u->ut_type && got.ut_pid == u->ut_pid &&
		    memcmp(got.ut_line, u->ut_line, sizeof(got.ut_line)) == 0;
	close(fd);
	return (found);
}

static void
records_write_wtmp(
    const struct utmpx *u, const struct login_records_mark *since)
{
	if (!records_is_in_wtmp(u, since))
		updwtmpx(_PATH_WTMP, u);
}

static void
records_write_lastlog(
    const struct utmpx *u, uid_t uid, const struct login_records_mark *since)
{
	off_t at = (off_t)uid * (off_t)sizeof(struct lastlog);
	struct lastlog ll = {0};
	int fd = open(_PATH_LASTLOG, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (pread(fd, &ll, sizeof(ll), at) == (ssize_t)sizeof(ll) &&
	    (time_t)ll.ll_time >= since->time &&
	    memcmp(ll.ll_line, u->ut_line, sizeof(ll.ll_line)) == 0) {
		close(fd);
		return;
	}
	memset(&ll, 0, sizeof(ll));
	ll.ll_time = u->ut_tv.tv_sec;
	memcpy(ll.ll_line, u->ut_line, sizeof(ll.ll_line));
	memcpy(ll.ll_host, u->ut_host, sizeof(ll.ll_host));
	(void)!pwrite(fd, &ll, sizeof(ll), at);
	close(fd);
}

static void
records_fill_peer(struct utmpx *u, const struct addr *peer)
{
	char host[ADDR_TEXT_MAX];

	records_put_text(u->ut_host, sizeof(u->ut_host), addr_text(peer, host));
	memcpy(u->ut_addr_v6, peer->bytes,
	    peer->family == FAMILY_INET ? 4 : sizeof(u->ut_addr_v6));
}

void
login_records_mark(struct login_records_mark *mark)
{
	struct stat st;

	mark->wtmp = stat(_PATH_WTMP, &st) == 0 ? st.st_size : 0;
	mark->time = time(NULL);
}

void
login_records_open(const char *line, const char *user, uid_t uid,
    const struct addr *peer, const struct login_records_mark *since)
{
	struct rlimit own;
	struct utmpx u;

	records_lift_file_size(&own);
	records_make_utmp();
	records_fill(&u, line, user);
	u.ut_type = USER_PROCESS;
	records_fill_peer(&u, peer);
	if (records_write_utmp(&u) != 0)
		log_errno("%s cannot be written in utmp", line);
	records_write_wtmp(&u, since);
	records_write_lastlog(&u, uid, since);
	/* The session's, which begins now. */
	(void)setrlimit(RLIMIT_FSIZE, &own);
}

int
login_records_close(const char *line)
{
	struct rlimit own;
	struct utmpx u;

	records_lift_file_size(&own);
	records_fill(&u, line, "");
	u.ut_type = DEAD_PROCESS;
	return (records_write_utmp(&u));
}

void
login_records_closed(const char *line, const struct login_records_mark *since)
{
	struct utmpx u;

	records_fill(&u, line, "");
	u.ut_type = DEAD_PROCESS;
	records_write_wtmp(&u, since);
}

void
login_records_failed(
    const char *service, const char *user, const struct addr *peer)
{
	char line[sizeof(((struct utmpx *)NULL)->ut_line)];
	struct utmpx u;
	struct stat st;

	if (lstat(BTMP, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* There is no terminal yet; as sshd has it. */
	snprintf(line, sizeof(line), "%.20s:notty", service);
	records_fill(&u, line, user != NULL ? user : "UNKNOWN");
	memset(u.ut_id, 0, sizeof(u.ut_id));
	u.ut_type = LOGIN_PROCESS;
	records_fill_peer(&u, peer);
	updwtmpx(BTMP, &u);
}

void
login_records_audit_uid(uid_t uid)
{
	char text[16] = "";
	ssize_t n;
	int fd = open(LOGINUID, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0 && strtoul(text, NULL, 10) == (uid_t)-1) {
		n = snprintf(text, sizeof(text), "%u", (unsigned)uid);
		(void)!pwrite(fd, text, (size_t)n, 0);
	}
	close(fd);
}
