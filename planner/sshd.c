/*
 * Finds sshd, and writes and tries its configuration. Planner: sealed, with
 * root's uid and CAP_DAC_READ_SEARCH (in a check, whoever asked for it). Writes
 * only below the run-time and the lasting state folders; runs sshd and
 * ssh-keygen at fixed paths. Distrusts the file of sshd-config, of which sshd
 * reads a copy. The monitor puts what was written in place, after sshd -t has
 * passed it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/order.h"
#include "conf/sshd/sshd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/pamstack.h"
#include "planner/run.h"
#include "planner/sshd.h"
#include "planner/sshd_judge.h"
#include "planner/sshd_keys.h"

#define VERSION_SECONDS 10
#define DUMP_MAX 65536 /* bytes of what `sshd -T` prints */

static const char *const sshd_paths[] = {PLAN_SSHDS};

/* What was found; one of a planner's life. */
static struct {
	const char *path;
	struct sshd_version version;
	struct sshd_keys keys;
} found;

static const char *
sshd_find_program(const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (access(paths[i], X_OK) == 0)
			return (paths[i]);
	}
	return (NULL);
}

/* sshd's privilege separation needs it; the monitor makes it. */
static int
sshd_check_run_sshd(char *reason, size_t size)
{
	struct stat st;

	if (lstat("/run/sshd", &st) < 0) {
		snprintf(
		    reason, size, "cannot make /run/sshd: %s", strerror(errno));
		return (ERR_SYSTEM);
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0) {
		snprintf(reason, size,
		    "/run/sshd must be a folder of root's that nobody else "
		    "can write: remove it");
		return (ERR_REFUSED);
	}
	return (0);
}

static int
sshd_find_sshd(const struct planner *p, char *reason, size_t size)
{
	const char *path = sshd_find_program(
	    sshd_paths, sizeof(sshd_paths) / sizeof(sshd_paths[0]));
	const char *argv[] = {path, "-V", NULL};
	char out[1024];

	if (path == NULL) {
		snprintf(reason, size,
		    "there is no sshd: install it (Debian: apt-get install "
		    "openssh-server)");
		return (ERR_NOT_FOUND);
	}
	if (!p->rootless && sshd_check_run_sshd(reason, size) != 0)
		return (ERR_REFUSED);
	/* Before 9.3 there is no -V, and the complaint names the version. */
	if (run_program(argv, VERSION_SECONDS, out, sizeof(out)) < 0 ||
	    sshd_parse_version(out, &found.version) < 0) {
		snprintf(reason, size, "%s does not say its version", path);
		return (ERR_UNSUPPORTED);
	}
	found.path = path;
	return (0);
}

static void
sshd_numbered_path(
    const struct planner *p, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s.%u", p->run_dir, name, p->number);
}

static int
sshd_write_file(const char *path, const char *text)
{
	int fd, err;

	unlink(path);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return (ERR_SYSTEM);
	err = fd_write_all(fd, text, strlen(text));
	fd_close(&fd);
	return (err);
}

static int
sshd_prepare_failed(struct conf_report *report, const struct conf_service *ssh,
    int err, const char *what)
{
	conf_report_add(report, CONF_ERROR, ssh->pos, "%s: %s", what,
	    err == ERR_SYSTEM ? strerror(errno) : err_text(err));
	return (err);
}

/* Where a copy is; NULL of none. */
static const char *
sshd_copy_path(const char *copies, int i, char *buf, size_t size)
{
	snprintf(buf, size, "%s.%d", copies, i);
	return (i < 0 ? NULL : buf);
}

/* The copies of sshd-option's lines, the sshd-config FILE and its includes. */
static int
sshd_write_copies(const struct snapshot *file, const char *copies)
{
	char path[PATH_MAX + 96];
	int err = 0;

	for (unsigned i = 0; err == 0 && i < file->file_count; i++) {
		snprintf(path, sizeof(path), "%s.%u", copies, i);
		err = sshd_write_file(path, file->files[i].text);
	}
	return (err);
}

/* What sshd is to read, written and tried; ours: only what we say. */
static int
sshd_prepare_files(
    const struct conf *conf, struct sshd_params *params, struct sshd_judge *j)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char *text = NULL, *ours = NULL, first[2][PATH_MAX + 96];
	int err = sshd_render(conf, ssh, params, &ours);

	if (err == 0 && j->file != NULL) {
		params->option_path = sshd_copy_path(
		    j->copies, j->file->options, first[0], sizeof(first[0]));
		params->file_path = sshd_copy_path(
		    j->copies, j->file->top, first[1], sizeof(first[1]));
		err = sshd_render(conf, ssh, params, &text);
	}
	if (err != 0) {
		sshd_prepare_failed(j->report, ssh, err,
		    "the statements of ssh cannot be said in sshd's words");
	} else if ((err = sshd_write_file(
			j->config, text != NULL ? text : ours)) < 0 ||
		   (j->file != NULL &&
		       (err = sshd_write_copies(j->file, j->copies)) < 0)) {
		sshd_prepare_failed(j->report, ssh, err,
		    "sshd's configuration cannot be written");
	} else {
		j->sshd = found.path;
		j->ours = ours;
		j->text = text != NULL ? text : ours;
		err = sshd_judge(j);
	}
	params->option_path = params->file_path = NULL;
	free(text);
	free(ours);
	return (err);
}

static void
sshd_remove_numbered(const struct planner *p)
{
	char path[PATH_MAX + 64], copy[PATH_MAX + 96];

	sshd_numbered_path(p, "sshd_config", path, sizeof(path));
	unlink(path);
	sshd_numbered_path(p, "sshd_file", path, sizeof(path));
	for (unsigned i = 0; i < SNAPSHOT_FILES_MAX; i++) {
		snprintf(copy, sizeof(copy), "%s.%u", path, i);
		if (unlink(copy) < 0)
			break;
	}
}

static int
sshd_prepare(const struct planner *p, const struct conf *conf,
    struct conf_report *report)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char config[PATH_MAX + 64], copies[PATH_MAX + 64], trial[PATH_MAX + 64];
	struct sshd_params params = {.version = found.version,
	    .pam = !p->rootless,
	    .pam_service = ssh->login.pam_service,
	    .host_keys = found.keys.paths,
	    .host_key_count = found.keys.count};
	struct snapshot_params copied = {.ssh = ssh,
	    .host_keys = found.keys.paths,
	    .host_key_count = found.keys.count,
	    .folder = "/etc/ssh",
	    .copies = copies,
	    .uid = geteuid(),
	    .pam = !p->rootless};
	struct sshd_judge judge = {.conf = conf,
	    .ssh = ssh,
	    .config = config,
	    .trial = trial,
	    .copies = copies,
	    .report = report,
	    .pos = conf_statement_pos(conf, ssh, "sshd-config")};
	struct snapshot *file = NULL;
	int err = 0;

	sshd_remove_numbered(p);
	sshd_numbered_path(p, "sshd_config", config, sizeof(config));
	sshd_numbered_path(p, "sshd_file", copies, sizeof(copies));
	snprintf(trial, sizeof(trial), "%s/sshd_trial", p->run_dir);
	if (ssh->ssh.sshd_config != NULL || ssh->ssh.options.count > 0)
		err = snapshot_read(conf, &copied, &file, report);
	judge.file = file;
	if (err == 0)
		err = sshd_prepare_files(conf, &params, &judge);
	else if (err == ERR_NO_MEMORY)
		sshd_prepare_failed(report, ssh, err, "sshd-config");
	snapshot_free(file);
	return (err);
}

/* Whether there is an error about a statement that sshd is given. */
static bool
sshd_has_error(const struct conf_report *report, struct conf_pos pos)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct conf_diag *d = &report->diags[i];

		if (d->severity == CONF_ERROR && d->file[0] == '\0' &&
		    d->pos.line == pos.line && d->pos.col == pos.col)
			return (true);
	}
	return (false);
}

/* Whether sshd would only say again, in its own words, what was said. */
static bool
sshd_would_repeat(const struct conf *conf, const struct conf_service *ssh,
    const struct conf_report *report)
{
	static const char *const names[] = {"sshd-option", "sshd-config",
	    "authorized-keys-command", "authorized-keys-command-user"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct conf_pos pos = conf_statement_pos(conf, ssh, names[i]);

		/* Unsaid, it has the place of its service. */
		if ((pos.line != ssh->pos.line || pos.col != ssh->pos.col) &&
		    sshd_has_error(report, pos))
			return (true);
	}
	return (false);
}

int
sshd_check(const struct planner *p, const struct conf *conf,
    struct conf_report *report)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char reason[CONF_MESSAGE_MAX];
	int err;

	if (ssh == NULL)
		return (0);
	err = sshd_find_sshd(p, reason, sizeof(reason));
	if (err != 0) {
		conf_report_add(report, CONF_ERROR, ssh->pos, "%s", reason);
		return (err);
	}
	err = sshd_keys_find(p, conf, ssh, &found.keys, report);
	if (err != 0)
		return (err);
	sshd_keys_judge(conf, ssh, &found.keys, report);
	return (sshd_would_repeat(conf, ssh, report)
		    ? 0
		    : sshd_prepare(p, conf, report));
}

/* Where sshd looks for users' keys; as it has it by default, if it does not
 * say. */
static void
sshd_find_key_files(const struct planner *p, char *buf, size_t size)
{
	static char dump[DUMP_MAX];
	char config[PATH_MAX];
	const char *argv[] = {found.path, "-T", "-f", config, NULL};
	char *value = NULL;

	sshd_numbered_path(p, "sshd_config", config, sizeof(config));
	if (run_program(argv, VERSION_SECONDS, dump, sizeof(dump)) == 0)
		value = order_value(dump, "authorizedkeysfile");
	snprintf(buf, size, "%s",
	    value != NULL && strlen(value) < size
		? value
		: ".ssh/authorized_keys .ssh/authorized_keys2");
	free(value);
}

void
sshd_describe(const struct planner *p, const struct conf_service *ssh,
    struct msg_plan_service *m)
{
	const struct sshd_version *v = &found.version;

	if (found.path == NULL)
		return;
	snprintf(m->sshd, sizeof(m->sshd), "%s", found.path);
	m->pam_keyword = v->major > 9 || (v->major == 9 && v->minor >= 8);
	m->by_pam =
	    !p->rootless && pamstack_has_ours(ssh->login.pam_service, NULL, 0);
	if (ssh->ssh.log_key_changes)
		sshd_find_key_files(p, m->keys, sizeof(m->keys));
}

void
sshd_remove_prepared(const struct planner *p)
{
	sshd_remove_numbered(p);
	sshd_keys_remove(p);
}
