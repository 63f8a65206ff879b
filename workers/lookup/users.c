/*
 * Users, from the password database, utmp and what their homes show. In lookup,
 * sealed; distrusts what users can write.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/lookup/home.h"
#include "workers/lookup/logins.h"
#include "workers/lookup/passwd_copy.h"
#include "workers/lookup/users.h"

#define MAIL_FOLDER "/var/mail"
#define PASSWD_FILE "/etc/passwd"
#define NSS_FILE "/etc/nsswitch.conf"
#define ASK_TIMES 2

static uint8_t file_buf[HOME_FILE_MAX];

/*
 * Nobody of that name, or a database that cannot be asked just now: getpwnam(3)
 * says both by NULL, and by errno which, but only where the last of several
 * databases failed. So it is asked twice: what failed for once does not then.
 * A name that it would find in the host's own file is found in the copy.
 */
static const struct passwd *
users_ask_database(struct reply *r, const char *name, bool *failed)
{
	static struct passwd_copy host = {
	    .passwd_path = PASSWD_FILE, .nss_path = NSS_FILE};
	const struct passwd *pw = passwd_copy_find(&host, name, time(NULL));

	*failed = false;
	for (int i = 0; pw == NULL && !*failed && i < ASK_TIMES; i++) {
		errno = 0;
		pw = getpwnam(name);
		*failed =
		    pw == NULL &&
		    (errno == EINTR || errno == EIO || errno == EMFILE ||
			errno == ENFILE || errno == ENOMEM || errno == EAGAIN ||
			errno == ETIMEDOUT || errno == ECONNREFUSED);
		if (*failed)
			r->error = errno;
	}
	return (pw);
}

/*
 * Whether the user may be told of; *home is then the open folder, or -1 where
 * it is closed to others. The steps are the same for a user that does not
 * exist, so that time tells nothing; nor does a lack of descriptors, which both
 * have.
 */
static enum lookup_outcome
users_is_shown(
    struct reply *r, const struct passwd *pw, const char *name, int *home)
{
	int system_user = 1, hidden = 0;

	if (pw != NULL)
		system_user = pw->pw_uid < USERS_UID_MIN ||
			      pw->pw_uid == USERS_UID_NOBODY ||
			      pw->pw_uid == (uid_t)-1 ||
			      strcmp(pw->pw_name, name) != 0;
	*home = home_open(pw == NULL ? "/" : pw->pw_dir);
	if (*home >= 0)
		hidden = home_hides(*home);
	else if (*home == ERR_SYSTEM || *home == ERR_SHORT)
		hidden = *home;
	if (hidden == ERR_SHORT)
		r->error = errno;
	if (*home < 0)
		*home = -1;
	if (hidden == ERR_SHORT) {
		fd_close(home);
		return (LOOKUP_LATER);
	}
	if (system_user || hidden) {
		fd_close(home);
		return (LOOKUP_NOBODY);
	}
	return (LOOKUP_FOUND);
}

size_t
users_gecos(const char *gecos, unsigned number, const char **part)
{
	while (number-- > 0) {
		gecos = strchr(gecos, ',');
		if (gecos == NULL) {
			*part = "";
			return (0);
		}
		gecos++;
	}
	*part = gecos;
	return (strcspn(gecos, ","));
}

/* A login name with a capital; cut to size, without a NUL. */
static size_t
users_capitalised(char *dst, size_t size, const char *login)
{
	size_t n = strlen(login);

	if (n > size)
		n = size;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): by its length */
	memcpy(dst, login, n);
	if (n > 0 && dst[0] >= 'a' && dst[0] <= 'z')
		dst[0] = (char)(dst[0] & ~0x20);
	return (n);
}

/* In a name, & stands for the login name with a capital. */
static void
users_tell_name(struct reply *r, const struct passwd *pw)
{
	const char *part;
	char name[256];
	size_t length = users_gecos(pw->pw_gecos, 0, &part), n = 0;

	for (size_t i = 0; i < length && n < sizeof(name); i++) {
		if (part[i] != '&') {
			name[n++] = part[i];
			continue;
		}
		n += users_capitalised(name + n, sizeof(name) - n, pw->pw_name);
	}
	reply_text(r, PIECE_NAME, name, n);
}

static void
users_tell_office(struct reply *r, const struct passwd *pw)
{
	static const enum lookup_piece pieces[] = {
	    PIECE_OFFICE, PIECE_OFFICE_PHONE, PIECE_HOME_PHONE};

	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const char *part;
		size_t n = users_gecos(pw->pw_gecos, i + 1, &part);

		reply_text(r, pieces[i], part, n < 256 ? n : 256);
	}
}

static void
users_tell_login(struct reply *r, const struct login_record *login)
{
	reply_text(r, PIECE_TTY, login->tty, strlen(login->tty));
	reply_text(r, PIECE_HOST, login->host, strlen(login->host));
	if (login->since != 0)
		reply_number(r, PIECE_SINCE, login->since);
	reply_number(r, PIECE_IDLE, logins_idle(login->tty));
}

struct one {
	struct reply *reply;
	const char *name;
};

static int
users_tell_if_theirs(const struct login_record *login, void *arg)
{
	const struct one *one = arg;

	if (strcmp(login->user, one->name) == 0)
		users_tell_login(one->reply, login);
	return (one->reply->err);
}

/* Mail that came after the box was last read. */
static void
users_tell_mail(struct reply *r, const char *folder, const char *name)
{
	char path[512];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s",
		folder == NULL ? MAIL_FOLDER : folder,
		name) >= (int)sizeof(path))
		return;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_mtime > st.st_atime)
		reply_number(r, PIECE_MAIL, (uint64_t)st.st_mtime);
}

static void
users_tell_details(
    struct reply *r, const struct users_files *files, const struct passwd *pw)
{
	uint64_t last = logins_last(files->lastlog, pw->pw_uid);

	if (last != 0)
		reply_number(r, PIECE_LAST_LOGIN, last);
	users_tell_mail(r, files->mail, pw->pw_name);
}

static enum lookup_outcome
users_tell_files(struct reply *r, const struct passwd *pw, int home)
{
	static const struct {
		enum lookup_piece piece;
		const char *name;
	} kept[] = {{PIECE_PLAN, ".plan"}, {PIECE_PROJECT, ".project"},
	    {PIECE_PUBKEY, ".pubkey"}};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		int n = home_read(home, kept[i].name, pw->pw_uid, file_buf);

		if (n == ERR_SHORT) {
			r->error = errno;
			return (LOOKUP_LATER);
		}
		reply_text(r, kept[i].piece, file_buf, (size_t)n);
	}
	return (LOOKUP_FOUND);
}

/*
 * Who is not told of takes as long as who does not exist: in either case the
 * database is asked for one who exists and one who does not. Without the host's
 * own file nobody can be known: the next database only knows its own.
 */
static enum lookup_outcome
users_even_out(struct reply *r, const struct passwd *pw)
{
	int fd = open(PASSWD_FILE, O_RDONLY | O_CLOEXEC);
	bool failed;

	if (fd < 0 && errno != ENOENT) {
		r->error = errno;
		return (LOOKUP_LATER);
	}
	fd_close(&fd);
	(void)users_ask_database(
	    r, pw != NULL ? "no-one-has-this-name" : "root", &failed);
	return (LOOKUP_NOBODY);
}

enum lookup_outcome
users_tell(struct reply *r, const struct users_files *files, const char *name,
    int details)
{
	bool failed;
	const struct passwd *pw = users_ask_database(r, name, &failed);
	struct one one = {.reply = r, .name = name};
	enum lookup_outcome outcome;
	int home;

	if (failed)
		return (LOOKUP_LATER);
	outcome = users_is_shown(r, pw, name, &home);
	if (outcome == LOOKUP_NOBODY)
		outcome = users_even_out(r, pw);
	if (outcome != LOOKUP_FOUND)
		return (outcome);
	reply_text(r, PIECE_LOGIN, name, strlen(name));
	users_tell_name(r, pw);
	users_tell_office(r, pw);
	if (details) {
		reply_text(r, PIECE_HOME, pw->pw_dir, strlen(pw->pw_dir));
		reply_text(r, PIECE_SHELL, pw->pw_shell, strlen(pw->pw_shell));
	}
	if (logins_each(files->utmp, users_tell_if_theirs, &one) != 0) {
		r->error = errno;
		outcome = LOOKUP_LATER;
	}
	if (details)
		users_tell_details(r, files, pw);
	if (home >= 0 && outcome == LOOKUP_FOUND)
		outcome = users_tell_files(r, pw, home);
	fd_close(&home);
	return (outcome);
}

static int
users_tell_if_shown(const struct login_record *login, void *arg)
{
	struct reply *r = arg;
	bool failed;
	const struct passwd *pw = users_ask_database(r, login->user, &failed);
	enum lookup_outcome outcome;
	int home;

	outcome =
	    failed ? LOOKUP_LATER : users_is_shown(r, pw, login->user, &home);
	if (outcome != LOOKUP_FOUND)
		return (outcome == LOOKUP_LATER ? ERR_SHORT : 0);
	fd_close(&home);
	reply_text(r, PIECE_LOGIN, login->user, strlen(login->user));
	users_tell_name(r, pw);
	users_tell_login(r, login);
	return (r->err);
}

enum lookup_outcome
users_list(struct reply *r, const struct users_files *files)
{
	if (logins_each(files->utmp, users_tell_if_shown, r) != ERR_SHORT)
		return (LOOKUP_FOUND);
	if (r->error == 0)
		r->error = errno;
	return (LOOKUP_LATER);
}
