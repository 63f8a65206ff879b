/*
 * sshd's installation and its configuration. Monitor (root). Writes below the
 * run-time and the lasting state folders alone; runs sshd and ssh-keygen at
 * fixed paths. A file that sshd -t has not passed is never put in place.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/sshd.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/pamstack.h"
#include "monitor/run.h"
#include "monitor/sshd.h"
#include "monitor/sshd_judge.h"

#define PAM_MODULE "pam_portreeve.so"

static const char *const sshd_paths[] = {
    "/usr/sbin/sshd", "/usr/local/sbin/sshd"};
static const char *const keygen_paths[] = {
    "/usr/bin/ssh-keygen", "/usr/local/bin/ssh-keygen"};
static const char *const key_types[] = {"ed25519", "ecdsa", "rsa"};

static uint32_t prepared;	   /* number of the newest checked file */
static uint32_t committed, before; /* in place; the one before it */

static const char *
find_program(const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (access(paths[i], X_OK) == 0)
			return (paths[i]);
	}
	return (NULL);
}

/* sshd's privilege separation needs it, and Debian's own unit removes it. */
static int
make_run_sshd(char *reason, size_t size)
{
	struct stat st;

	if (mkdir("/run/sshd", 0755) < 0 && errno != EEXIST) {
		snprintf(
		    reason, size, "cannot make /run/sshd: %s", strerror(errno));
		return (ERR_SYSTEM);
	}
	if (lstat("/run/sshd", &st) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != 0 || (st.st_mode & 022) != 0) {
		snprintf(reason, size,
		    "/run/sshd must be a folder of root's that nobody else "
		    "can write: remove it");
		return (ERR_REFUSED);
	}
	return (0);
}

void
sshd_keep_folder(struct monitor *mon)
{
	char reason[256];

	if (mon->rootless || mon->sshd == NULL ||
	    access("/run/sshd", F_OK) == 0)
		return;
	log_info("/run/sshd went missing: made again");
	if (make_run_sshd(reason, sizeof(reason)) != 0)
		log_warn("%s", reason);
}

int
sshd_probe(struct monitor *mon, char *reason, size_t size)
{
	const char *path = find_program(
	    sshd_paths, sizeof(sshd_paths) / sizeof(sshd_paths[0]));
	const char *argv[] = {path, "-V", NULL};
	struct sshd_version version;
	char out[1024];

	if (path == NULL) {
		snprintf(reason, size,
		    "there is no sshd: install it (Debian: apt-get install "
		    "openssh-server)");
		return (ERR_NOT_FOUND);
	}
	if (!mon->rootless && make_run_sshd(reason, size) != 0)
		return (ERR_REFUSED);
	if (mon->sshd != NULL)
		return (0);
	/* Before 9.3 there is no -V, and the complaint names the version. */
	if (run_program(argv, 10, out, sizeof(out)) < 0 ||
	    sshd_parse_version(out, &version) < 0) {
		snprintf(reason, size, "%s does not say its version", path);
		return (ERR_UNSUPPORTED);
	}
	mon->sshd = calloc(1, sizeof(*mon->sshd));
	if (mon->sshd == NULL) {
		snprintf(reason, size, "out of memory");
		return (ERR_NO_MEMORY);
	}
	snprintf(mon->sshd->path, sizeof(mon->sshd->path), "%s", path);
	mon->sshd->major = version.major;
	mon->sshd->minor = version.minor;
	return (0);
}

static void
add_key(struct mon_sshd *s, const char *path)
{
	if (access(path, R_OK) == 0 && s->key_count < 4)
		snprintf(
		    s->keys[s->key_count++], sizeof(s->keys[0]), "%s", path);
}

static int
make_key(const char *type, const char *path, char *reason, size_t size)
{
	const char *keygen = find_program(
	    keygen_paths, sizeof(keygen_paths) / sizeof(keygen_paths[0]));
	const char *argv[] = {keygen, "-q", "-t", type, "-N", "", "-C",
	    "portreeve", "-f", path, NULL};
	char out[512];
	int status;

	if (keygen == NULL) {
		snprintf(reason, size,
		    "there is no ssh-keygen to make host keys with: install "
		    "it (Debian: apt-get install openssh-client)");
		return (ERR_NOT_FOUND);
	}
	status = run_program(argv, 120, out, sizeof(out));
	if (status == 0)
		return (0);
	snprintf(reason, size,
	    "cannot make the host key %s (ssh-keygen: "
	    "status %d)",
	    path, status);
	return (ERR_SYSTEM);
}

int
sshd_host_keys(struct monitor *mon, char *reason, size_t size)
{
	struct mon_sshd *s = mon->sshd;
	char path[PATH_MAX + 64];
	int err;

	s->key_count = 0;
	for (size_t i = 0; !mon->rootless && i < 3; i++) {
		snprintf(path, sizeof(path), "/etc/ssh/ssh_host_%s_key",
		    key_types[i]);
		add_key(s, path);
	}
	if (s->key_count > 0)
		return (0);
	snprintf(path, sizeof(path), "%s/ssh", mon->state_dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		snprintf(
		    reason, size, "cannot make %s: %s", path, strerror(errno));
		return (ERR_SYSTEM);
	}
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/ssh/ssh_host_%s_key",
		    mon->state_dir, key_types[i]);
		if (access(path, F_OK) < 0) {
			err = make_key(key_types[i], path, reason, size);
			if (err != 0)
				return (err);
		}
		add_key(s, path);
	}
	if (s->key_count > 0)
		return (0);
	snprintf(reason, size, "no host key below %s/ssh can be read",
	    mon->state_dir);
	return (ERR_NOT_FOUND);
}

bool
sshd_has_pam_keyword(const struct mon_sshd *sshd)
{
	return (sshd->major > 9 || (sshd->major == 9 && sshd->minor >= 8));
}

bool
sshd_pam_runs(const struct conf_service *ssh, char *why, size_t size)
{
	static const char *const types[] = {"account", "session"};
	const char *service = ssh->login.pam_service;
	char module[PATH_MAX] = "";

	for (int i = 0; i < 2; i++) {
		if (!pamstack_runs(pamstack_folders, service, types[i],
			PAM_MODULE, module, sizeof(module))) {
			snprintf(why, size,
			    "PAM's service %s has no %s line for " PAM_MODULE,
			    service, types[i]);
			return (false);
		}
		if (!pamstack_is_installed(module)) {
			snprintf(why, size, "PAM has no module %.200s", module);
			return (false);
		}
	}
	return (true);
}

void
sshd_config_path(struct monitor *mon, char *buf, size_t size)
{
	snprintf(buf, size, "%s/sshd_config", mon->run_dir);
}

static void
numbered_path(struct monitor *mon, const char *name, uint32_t number, char *buf,
    size_t size)
{
	snprintf(buf, size, "%s/%s.%u", mon->run_dir, name, number);
}

static int
write_file(const char *path, const char *text)
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
prepare_failed(struct conf_report *report, const struct conf_service *ssh,
    int err, const char *what)
{
	conf_report_add(report, CONF_ERROR, ssh->pos, "%s: %s", what,
	    err == ERR_SYSTEM ? strerror(errno) : err_text(err));
	return (err);
}

/* The copies of the sshd-config FILE and of what it includes. */
static int
write_copies(const struct snapshot *file, const char *copies)
{
	char path[PATH_MAX + 96];
	int err = 0;

	for (unsigned i = 0; err == 0 && i < file->file_count; i++) {
		snprintf(path, sizeof(path), "%s.%u", copies, i);
		err = write_file(path, file->files[i].text);
	}
	return (err);
}

/* What sshd is to read, written and tried; ours: what we say alone. */
static int
prepare_files(struct monitor *mon, const struct conf *conf,
    struct sshd_params *params, struct sshd_judge *j)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char *text = NULL, *ours = NULL, first[PATH_MAX + 96];
	int err = sshd_render(conf, ssh, params, &ours);

	snprintf(first, sizeof(first), "%s.0", j->copies);
	if (err == 0 && j->file != NULL) {
		params->file_path = first;
		err = sshd_render(conf, ssh, params, &text);
	}
	if (err != 0) {
		prepare_failed(j->report, ssh, err,
		    "the statements of ssh cannot be said in sshd's words");
	} else if ((err = write_file(j->config, text != NULL ? text : ours)) <
		       0 ||
		   (j->file != NULL &&
		       (err = write_copies(j->file, j->copies)) < 0)) {
		prepare_failed(j->report, ssh, err,
		    "sshd's configuration cannot be written");
	} else {
		j->sshd = mon->sshd->path;
		j->ours = ours;
		err = sshd_judge(j);
	}
	params->file_path = NULL;
	free(text);
	free(ours);
	return (err);
}

static void
remove_numbered(struct monitor *mon, uint32_t number)
{
	char path[PATH_MAX + 64], copy[PATH_MAX + 96];

	if (number == 0)
		return;
	numbered_path(mon, "sshd_config", number, path, sizeof(path));
	unlink(path);
	numbered_path(mon, "sshd_file", number, path, sizeof(path));
	for (unsigned i = 0; i < SNAPSHOT_FILES_MAX; i++) {
		snprintf(copy, sizeof(copy), "%s.%u", path, i);
		if (unlink(copy) < 0)
			break;
	}
}

int
sshd_prepare(
    struct monitor *mon, const struct conf *conf, struct conf_report *report)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char config[PATH_MAX + 64], copies[PATH_MAX + 64], trial[PATH_MAX + 64];
	const char *keys[4];
	struct sshd_params params = {
	    .version = {mon->sshd->major, mon->sshd->minor},
	    .pam = !mon->rootless,
	    .pam_service = ssh->login.pam_service,
	    .host_keys = keys,
	    .host_key_count = mon->sshd->key_count};
	struct snapshot_params copied = {.ssh = ssh,
	    .host_keys = keys,
	    .host_key_count = mon->sshd->key_count,
	    .folder = "/etc/ssh",
	    .copies = copies,
	    .uid = geteuid(),
	    .pam = !mon->rootless};
	struct sshd_judge judge = {.config = config,
	    .trial = trial,
	    .copies = copies,
	    .report = report,
	    .pos = conf_statement_pos(conf, ssh, "sshd-config")};
	struct snapshot *file = NULL;
	int err = 0;

	for (unsigned i = 0; i < mon->sshd->key_count; i++)
		keys[i] = mon->sshd->keys[i];
	prepared = committed + 1;
	remove_numbered(mon, prepared);
	numbered_path(mon, "sshd_config", prepared, config, sizeof(config));
	numbered_path(mon, "sshd_file", prepared, copies, sizeof(copies));
	snprintf(trial, sizeof(trial), "%s/sshd_trial", mon->run_dir);
	if (ssh->ssh.sshd_config != NULL)
		err = snapshot_read(conf, &copied, &file, report);
	judge.file = file;
	if (err == 0)
		err = prepare_files(mon, conf, &params, &judge);
	else if (err == ERR_NO_MEMORY)
		prepare_failed(report, ssh, err, "sshd-config");
	snapshot_free(file);
	return (err);
}

void
sshd_remove_prepared(struct monitor *mon)
{
	char path[PATH_MAX + 64];

	remove_numbered(mon, prepared);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/ssh/ssh_host_%s_key",
		    mon->state_dir, key_types[i]);
		unlink(path);
		strncat(path, ".pub", sizeof(path) - strlen(path) - 1);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/ssh", mon->state_dir);
	rmdir(path);
}

int
sshd_commit(struct monitor *mon, const struct conf *conf)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char target[64], link[PATH_MAX + 64], path[PATH_MAX + 64];

	snprintf(target, sizeof(target), "sshd_config.%u", prepared);
	snprintf(link, sizeof(link), "%s/sshd_config.link", mon->run_dir);
	sshd_config_path(mon, path, sizeof(path));
	unlink(link);
	if (symlink(target, link) < 0 || rename(link, path) < 0) {
		log_errno("cannot put %s in place", path);
		return (ERR_SYSTEM);
	}
	/* An sshd that starts just now may still be reading the last one. */
	remove_numbered(mon, before);
	before = committed;
	committed = prepared;
	mon->sshd->gone_told = false;
	mon->sshd->by_pam = !mon->rootless && sshd_pam_runs(ssh, NULL, 0);
	return (0);
}
