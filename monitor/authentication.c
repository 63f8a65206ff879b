/*
 * The files of authentication-order. Monitor (root). They lie in a folder that
 * root alone may look into, because they hold the servers' secrets: for each
 * RADIUS server a file in pam_radius_auth's own words, and the PAM service that
 * asks one after the other. A login that begins meanwhile reads the old file or
 * the new one, and each whole.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/authentication.h"

#define LISTEN_QUEUE 128
#define TEXT_MAX (PLAN_ASKED_MAX * (PATH_MAX + 256))

static int listener = -1;

struct text {
	char text[TEXT_MAX];
	size_t n;
	bool full;
};

static void __attribute__((format(printf, 2, 3)))
authentication_print(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->text + t->n, sizeof(t->text) - t->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(t->text) - t->n)
		t->full = true;
	else
		t->n += (size_t)n;
}

static void
authentication_folder(const struct monitor *mon, char *buf, size_t size)
{
	snprintf(buf, size, "%s/authentication", mon->run_dir);
}

static void
authentication_path(const struct monitor *mon, const char *name, int number,
    char *buf, size_t size)
{
	if (number < 0)
		snprintf(buf, size, "%s/authentication/%s", mon->run_dir, name);
	else
		snprintf(buf, size, "%s/authentication/%s.%d", mon->run_dir,
		    name, number);
}

static int
authentication_write(const char *path, const struct text *t)
{
	char new[PATH_MAX + 96];
	int fd, err;

	snprintf(new, sizeof(new), "%s.new", path);
	unlink(new);
	fd = open(
	    new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || t->full)
		err = ERR_SYSTEM;
	else
		err = fd_write_all(fd, t->text, t->n);
	fd_close(&fd);
	if (err == 0 && rename(new, path) < 0)
		err = ERR_SYSTEM;
	if (err != 0)
		log_errno("cannot write %s", path);
	return (err);
}

/* "ADDRESS:PORT SECRET TIMEOUT" */
static int
authentication_write_server(
    const char *path, const struct msg_plan_asked *m, struct text *t)
{
	char address[ADDR_TEXT_MAX];
	bool six = m->address.family == FAMILY_INET6;
	int err;

	t->n = 0;
	authentication_print(t, "%s%s%s:%u %s %u\n", six ? "[" : "",
	    addr_text(&m->address, address), six ? "]" : "", m->address.port,
	    m->secret, m->timeout);
	err = authentication_write(path, t);
	explicit_bzero(t->text, sizeof(t->text));
	return (err);
}

/*
 * The next server is asked where one does not answer, and nowhere else; when
 * none does, the last one's word stands.
 */
static void
authentication_print_line(
    struct text *t, const char *path, const struct msg_plan_asked *m, bool last)
{
	authentication_print(t,
	    "auth [success=done authinfo_unavail=%s default=die] "
	    "pam_radius_auth.so [conf=%s] retry=%u client_id=portreeve\n",
	    last ? "die" : "ignore", path, m->retry);
}

static int
authentication_write_radius(
    struct monitor *mon, const struct plan *plan, struct text *server)
{
	static struct text stack;
	char path[PATH_MAX + 64];
	const struct msg_plan_asked *last = NULL;
	unsigned count = 0;
	int err = 0;

	stack.n = 0;
	for (unsigned i = 0; i < plan->asked_count; i++) {
		if (plan->asked[i].kind == PLAN_ASKED_RADIUS)
			last = &plan->asked[i];
	}
	for (unsigned i = 0; err == 0 && i < plan->asked_count; i++) {
		const struct msg_plan_asked *m = &plan->asked[i];

		if (m->kind != PLAN_ASKED_RADIUS)
			continue;
		authentication_path(
		    mon, "radius", (int)count++, path, sizeof(path));
		err = authentication_write_server(path, m, server);
		authentication_print_line(&stack, path, m, m == last);
	}
	if (count == 0)
		authentication_print(&stack, "auth requisite pam_deny.so\n");
	authentication_path(mon, "radius", -1, path, sizeof(path));
	if (err == 0)
		err = authentication_write(path, &stack);
	for (; err == 0 && count < PLAN_ASKED_MAX; count++) {
		authentication_path(
		    mon, "radius", (int)count, path, sizeof(path));
		unlink(path);
	}
	return (err);
}

static int
authentication_write_other(struct monitor *mon, struct text *t)
{
	char path[PATH_MAX + 64];

	t->n = 0;
	authentication_print(t, "auth requisite pam_deny.so\n");
	authentication_path(mon, "other", -1, path, sizeof(path));
	return (authentication_write(path, t));
}

/* --- tacplus ---------------------------------------------------------------
 */

/*
 * Held here, so that who asks while the role is being replaced waits in its
 * queue. Root alone comes to it, by its folder.
 */
static int
authentication_listen(const struct monitor *mon)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char path[PATH_MAX + 64];
	int fd;

	if (listener >= 0)
		return (0);
	authentication_path(mon, "tacplus", -1, path, sizeof(path));
	if (strlen(path) >= sizeof(sun.sun_path)) {
		log_warn("%s: the path is too long for a socket", path);
		return (ERR_TOO_LONG);
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, LISTEN_QUEUE) < 0) {
		log_errno("cannot listen on %s", path);
		fd_close(&fd);
		return (ERR_SYSTEM);
	}
	listener = fd;
	return (0);
}

int
authentication_listener(void)
{
	return (listener);
}

static const struct msg_plan_asked *
authentication_find_tacplus(const struct plan *plan, unsigned *i)
{
	while (plan != NULL && *i < plan->asked_count) {
		const struct msg_plan_asked *m = &plan->asked[(*i)++];

		if (m->kind == PLAN_ASKED_TACPLUS)
			return (m);
	}
	return (NULL);
}

bool
authentication_same_tacplus(const struct plan *a, const struct plan *b)
{
	const struct msg_plan_asked *x, *y;
	unsigned i = 0, j = 0;

	do {
		x = authentication_find_tacplus(a, &i);
		y = authentication_find_tacplus(b, &j);
		if ((x == NULL) != (y == NULL) ||
		    (x != NULL && !plan_same_message(MSG_PLAN_ASKED, x, y)))
			return (false);
	} while (x != NULL);
	return (true);
}

static bool
authentication_has_tacplus(const struct plan *plan)
{
	unsigned i = 0;

	return (authentication_find_tacplus(plan, &i) != NULL);
}

/* --- the whole -------------------------------------------------------------
 */

int
authentication_commit(struct monitor *mon, const struct plan *plan)
{
	static struct text text;
	char folder[PATH_MAX + 32];
	struct stat st;
	int err;

	authentication_folder(mon, folder, sizeof(folder));
	if (plan->asked_count == 0 && access(folder, F_OK) < 0)
		return (0);
	/* A bracket would end the word that the path is in. */
	if (strpbrk(folder, "]\n\\") != NULL) {
		log_warn("authentication-order cannot be used below %s: its "
			 "name has a character that PAM's files cannot have",
		    mon->run_dir);
		return (ERR_VALUE);
	}
	if ((mkdir(folder, 0700) < 0 && errno != EEXIST) ||
	    lstat(folder, &st) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || chmod(folder, 0700) < 0) {
		log_errno("cannot make %s", folder);
		return (ERR_SYSTEM);
	}
	memset(&text, 0, sizeof(text));
	err = authentication_write_radius(mon, plan, &text);
	if (err == 0)
		err = authentication_write_other(mon, &text);
	if (err != 0 || authentication_has_tacplus(plan))
		return (err != 0 ? err : authentication_listen(mon));
	/* Who asks still, hears at once that nobody answers. */
	fd_close(&listener);
	return (0);
}

void
authentication_variable(
    const struct monitor *mon, const char *order, char *buf, size_t size)
{
	char folder[PATH_MAX + 32];

	authentication_folder(mon, folder, sizeof(folder));
	snprintf(buf, size, "PORTREEVE_PAM_ORDER=%s:%s", folder, order);
}
