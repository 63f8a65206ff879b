/* Login records on Linux; monitor/login/records.h says what they hold. */
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

#include "lib/fd.h"
#include "monitor/login/records.h"

#define UTMP "/run/utmp"
#define BTMP "/var/log/btmp"
#define LOGINUID "/proc/self/loginuid"

/* utmp's arrays need no NUL at their end. */
static void
put_text(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	memset(dst, 0, size);
	memcpy(dst, src, n < size ? n : size);
}

/* As systemd-tmpfiles makes it, on hosts where nobody has. */
static void
make_utmp(void)
{
	struct group *gr = getgrnam("utmp");
	int fd = open(UTMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	if (fchown(fd, 0, gr != NULL ? gr->gr_gid : 0) == 0)
		(void)fchmod(fd, gr != NULL ? 0664 : 0644);
	close(fd);
}

static void
fill(struct utmpx *u, const char *line, const char *user)
{
	size_t n = strlen(line);
	struct timeval now;

	memset(u, 0, sizeof(*u));
	gettimeofday(&now, NULL);
	u->ut_tv.tv_sec = (int32_t)now.tv_sec;
	u->ut_tv.tv_usec = (int32_t)now.tv_usec;
	u->ut_pid = getpid();
	put_text(u->ut_line, sizeof(u->ut_line), line);
	/* The line's end is what tells lines apart, as others do. */
	put_text(u->ut_id, sizeof(u->ut_id),
	    n > sizeof(u->ut_id) ? line + n - sizeof(u->ut_id) : line);
	put_text(u->ut_user, sizeof(u->ut_user), user);
}

/*
 * pam_limits has bounded the size of this user's files by now, and so of this
 * process's: the host's records are none of them.
 */
static void
lift_file_size(struct rlimit *own)
{
	static const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	if (getrlimit(RLIMIT_FSIZE, own) < 0)
		*own = none;
	(void)setrlimit(RLIMIT_FSIZE, &none);
}

static void
write_records(const struct utmpx *u)
{
	setutxent();
	pututxline(u);
	endutxent();
	updwtmpx(_PATH_WTMP, u);
}

/* What a module of PAM's may have written says the same. */
static void
write_lastlog(const struct utmpx *u, uid_t uid)
{
	off_t at = (off_t)uid * (off_t)sizeof(struct lastlog);
	struct lastlog ll = {0};
	int fd = open(_PATH_LASTLOG, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	ll.ll_time = u->ut_tv.tv_sec;
	memcpy(ll.ll_line, u->ut_line, sizeof(ll.ll_line));
	memcpy(ll.ll_host, u->ut_host, sizeof(ll.ll_host));
	(void)!pwrite(fd, &ll, sizeof(ll), at);
	close(fd);
}

static void
fill_peer(struct utmpx *u, const struct addr *peer)
{
	char host[ADDR_TEXT_MAX];

	put_text(u->ut_host, sizeof(u->ut_host), addr_text(peer, host));
	memcpy(u->ut_addr_v6, peer->bytes,
	    peer->family == FAMILY_INET ? 4 : sizeof(u->ut_addr_v6));
}

void
login_records_open(const char *line, const char *user, uid_t uid,
    const struct addr *peer)
{
	struct rlimit own;
	struct utmpx u;

	lift_file_size(&own);
	make_utmp();
	fill(&u, line, user);
	u.ut_type = USER_PROCESS;
	fill_peer(&u, peer);
	write_records(&u);
	write_lastlog(&u, uid);
	/* The session's, which begins now. */
	(void)setrlimit(RLIMIT_FSIZE, &own);
}

void
login_records_close(const char *line)
{
	struct rlimit own;
	struct utmpx u;

	lift_file_size(&own);
	fill(&u, line, "");
	u.ut_type = DEAD_PROCESS;
	write_records(&u);
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
	fill(&u, line, user != NULL ? user : "UNKNOWN");
	memset(u.ut_id, 0, sizeof(u.ut_id));
	u.ut_type = LOGIN_PROCESS;
	fill_peer(&u, peer);
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
