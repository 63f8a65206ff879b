/*
 * From a file to what runs. Monitor (root). Everything is checked before
 * anything takes effect; then the difference alone is applied, so that a
 * listener that stays keeps its socket and every session goes on.
 */
#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/hostcheck.h"
#include "monitor/ids.h"
#include "monitor/listeners/bind.h"
#include "monitor/logins/logins.h"
#include "monitor/notify.h"
#include "monitor/reload.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/proc.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/table.h"
#include "monitor/sshd.h"
#include "monitor/states.h"
#include "monitor/waiting.h"

void
reload_print(struct monitor *mon, const struct conf_report *report)
{
	char line[1024];

	for (size_t i = 0; i < report->count; i++)
		fprintf(stderr, "%s\n",
		    conf_diag_text(&report->diags[i], mon->config_path, line,
			sizeof(line)));
	if (report->lost)
		fprintf(stderr, "%s: further messages were left out\n",
		    mon->config_path);
}

/* A sentence about one service, at its place in the file. */
static void
add_service_error(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report, const char *reason)
{
	(void)conf;
	conf_report_add(report, CONF_ERROR, s->pos, "%s", reason);
}

static int
check_ssh(
    struct monitor *mon, const struct conf *conf, struct conf_report *report)
{
	const struct conf_service *s = conf_find_service(conf, "ssh");
	char reason[CONF_MESSAGE_MAX];
	int err;

	if (s == NULL)
		return (0);
	err = sshd_probe(mon, reason, sizeof(reason));
	if (err == 0)
		err = sshd_host_keys(mon, reason, sizeof(reason));
	if (err == 0)
		return (sshd_prepare(mon, conf, report));
	add_service_error(conf, s, report, reason);
	return (err);
}

/* Whether sshd would only say again what was said about its file. */
static bool
ssh_is_wrong(const struct conf *conf, const struct conf_report *report)
{
	const struct conf_service *s = conf_find_service(conf, "ssh");
	struct conf_pos pos;

	if (s == NULL || s->ssh.sshd_config == NULL)
		return (false);
	pos = conf_statement_pos(conf, s, "sshd-config");
	for (size_t i = 0; i < report->count; i++) {
		const struct conf_diag *d = &report->diags[i];

		if (d->severity == CONF_ERROR && d->pos.line == pos.line &&
		    d->pos.col == pos.col)
			return (true);
	}
	return (false);
}

void
reload_check_service(struct monitor *mon, const struct conf *conf,
    const struct conf_service *s, struct conf_report *report)
{
	conf_check_host_service(conf, s, report);
	if (service_traits(s->kind)->sshd && service_traits(s->kind)->served &&
	    !ssh_is_wrong(conf, report))
		check_ssh(mon, conf, report);
}

/*
 * What each service of a starting daemon lacks of this host, by its place in
 * the configuration: it waits then, and the others serve. "" for nothing.
 */
static char start_waits[CONF_SERVICES_MAX][CONF_MESSAGE_MAX];

/* Of a report about one service, to all: its first error is why it waits. */
static void
wait_for_errors(
    unsigned service, const struct conf_report *one, struct conf_report *report)
{
	for (size_t i = 0; i < one->count; i++) {
		const struct conf_diag *d = &one->diags[i];

		if (d->severity == CONF_WARNING)
			conf_report_add_file(report, CONF_WARNING, d->file,
			    d->pos, "%s", d->text);
		else if (start_waits[service][0] == '\0' && d->file[0] != '\0')
			snprintf(start_waits[service],
			    sizeof(start_waits[service]), "%.100s:%u: %.200s",
			    d->file, d->pos.line, d->text);
		else if (start_waits[service][0] == '\0')
			snprintf(start_waits[service],
			    sizeof(start_waits[service]), "%s", d->text);
	}
	if (one->errors > 0 && start_waits[service][0] == '\0')
		snprintf(start_waits[service], sizeof(start_waits[service]),
		    "out of memory");
}

static void
check_services(struct monitor *mon, const struct conf *conf, bool starting,
    struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		struct conf_report one = {0};

		if (!starting) {
			reload_check_service(
			    mon, conf, &conf->services[i], report);
			continue;
		}
		reload_check_service(mon, conf, &conf->services[i], &one);
		wait_for_errors(i, &one, report);
		conf_report_clear(&one);
	}
}

int
reload_check(struct monitor *mon, bool starting, struct conf **out,
    struct conf_report *report)
{
	struct conf *conf = NULL;
	int err = conf_load(mon->config_path, &conf, report);

	*out = NULL;
	if (conf == NULL)
		return (err);
	/* Whatever is wrong already: every error is told at once. */
	check_services(mon, conf, starting && report->errors == 0, report);
	hostcheck_warn(mon, conf, report);
	if (report->errors > 0) {
		conf_free(conf);
		return (ERR_VALUE);
	}
	*out = conf;
	return (0);
}

int
reload_check_only(
    struct monitor *mon, struct conf **out, struct conf_report *report)
{
	char folder[] = "/tmp/portreeve-check-XXXXXX";
	int err;

	if (mkdtemp(folder) == NULL) {
		conf_report_add(report, CONF_ERROR, (struct conf_pos){0, 0},
		    "no temporary folder can be made below /tmp");
		return (ERR_SYSTEM);
	}
	snprintf(mon->run_dir, sizeof(mon->run_dir), "%s", folder);
	snprintf(mon->state_dir, sizeof(mon->state_dir), "%s", folder);
	err = reload_check(mon, false, out, report);
	sshd_remove_prepared(mon);
	rmdir(folder);
	return (err);
}

/* New zygotes where what they serve has changed; the old ones finish. */
static void
replace_zygotes(struct monitor *mon, const bool changed[SERVICES_MAX])
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];

		if (!s->used)
			continue;
		if (s->zygote != NULL && (!s->configured || changed[i]))
			proc_retire(mon, s->zygote);
	}
}

/* Its sshds and the log's reader are told at their start who decides. */
static void
change_ssh(struct monitor *mon, bool changed[SERVICES_MAX])
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		if (mon->services[i].used &&
		    service_traits(mon->services[i].kind)->sshd)
			changed[i] = true;
	}
}

/* Roles that no service needs any more. */
static void
stop_needless(struct monitor *mon)
{
	struct proc *p;

	TAILQ_FOREACH (p, &mon->procs, next) {
		/* A log reader stays while an old zygote's programs may write.
		 */
		if (p->role == ROLE_LOOKUP &&
		    !proc_is_needed(mon, p->role, p->kind))
			proc_stop(mon, p, true);
	}
}

/* Whether its file for sshd is prepared and to be put in place. */
static bool
ssh_is_ready(const struct conf *conf)
{
	const struct conf_service *ssh = conf_find_service(conf, "ssh");

	return (conf != NULL && ssh != NULL &&
		start_waits[ssh - conf->services][0] == '\0');
}

/* What waited has been found by the check; what the start found waits. */
static void
settle_waiting(struct monitor *mon)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct mon_service *s = &mon->services[i];
		char reason[CONF_MESSAGE_MAX];
		size_t at;

		if (!s->used)
			continue;
		waiting_end(mon, s);
		if (!s->configured)
			continue;
		at = (size_t)(s->conf - mon->conf->services);
		if (start_waits[at][0] != '\0')
			waiting_begin(mon, s, start_waits[at]);
		else if (ids_for_service(mon, s, reason, sizeof(reason)) != 0)
			waiting_begin(mon, s, reason);
	}
	memset(start_waits, 0, sizeof(start_waits));
}

int
reload_apply(struct monitor *mon, struct conf *conf)
{
	struct conf *old = mon->conf;
	bool changed[SERVICES_MAX], by_pam = logins_by_pam(mon);
	int err = table_has_room(mon, conf) ? 0 : ERR_FULL;

	/* Whatever can fail is first: then nothing has changed. */
	if (err == 0 && ssh_is_ready(conf))
		err = sshd_commit(mon, conf);
	if (err != 0) {
		conf_free(conf);
		return (err);
	}
	table_configure(mon, old, conf, changed);
	if (logins_by_pam(mon) != by_pam)
		change_ssh(mon, changed);
	mon->conf = conf;
	mon->generation++;
	mon->accepting = false;
	settle_waiting(mon);
	bind_configure(mon);
	replace_zygotes(mon, changed);
	stop_needless(mon);
	wire_services(mon);
	proc_start_needed(mon);
	wire_tell_listeners(mon);
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		table_service_release(mon, &mon->services[i]);
	wire_configured(mon);
	conf_free(old);
	return (0);
}

/* --- warnings
 * ------------------------------------------------------------------ Each is
 * said once, until a configuration comes that does without it. Where in a file
 * it is does not make it another.
 */

struct warning {
	STAILQ_ENTRY(warning) next;
	char file[sizeof(((struct conf_diag *)0)->file)];
	char text[sizeof(((struct conf_diag *)0)->text)];
};

STAILQ_HEAD(warnings, warning);

static struct warnings warnings_said = STAILQ_HEAD_INITIALIZER(warnings_said);

static bool
warning_is_in(const struct warnings *list, const struct conf_diag *d)
{
	const struct warning *w;

	STAILQ_FOREACH (w, list, next) {
		if (strcmp(w->file, d->file) == 0 &&
		    strcmp(w->text, d->text) == 0)
			return (true);
	}
	return (false);
}

/* Without memory it is forgotten, and said again. */
static void
warning_add(struct warnings *list, const struct conf_diag *d)
{
	struct warning *w = malloc(sizeof(*w));

	if (w == NULL)
		return;
	snprintf(w->file, sizeof(w->file), "%s", d->file);
	snprintf(w->text, sizeof(w->text), "%s", d->text);
	STAILQ_INSERT_TAIL(list, w, next);
}

static void
warnings_clear(struct warnings *list)
{
	struct warning *w;

	while ((w = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(w);
	}
}

void
reload_warnings(
    struct monitor *mon, const struct conf_report *report, bool applied)
{
	struct warnings now = STAILQ_HEAD_INITIALIZER(now);
	char line[1024];

	for (size_t i = 0; i < report->count; i++) {
		const struct conf_diag *d = &report->diags[i];

		conf_diag_text(d, mon->config_path, line, sizeof(line));
		log_info("%s", line);
		if (d->severity != CONF_WARNING)
			continue;
		if (!warning_is_in(&warnings_said, d))
			report_warning(mon, NULL, line);
		if (!warning_is_in(&now, d) &&
		    (applied || !warning_is_in(&warnings_said, d)))
			warning_add(&now, d);
	}
	if (applied)
		warnings_clear(&warnings_said);
	STAILQ_CONCAT(&warnings_said, &now);
}

void
reload_run(struct monitor *mon, bool asked, uint32_t request)
{
	struct conf_report report = {0};
	struct conf *conf = NULL;
	char line[1000];
	int err;

	notify_reloading(mon);
	err = reload_check(mon, false, &conf, &report);
	if (err == 0)
		err = reload_apply(mon, conf);
	if (err == 0) {
		reload_warnings(mon, &report, true);
		report_configuration(mon, true, asked ? "reload" : "SIGHUP");
		if (asked)
			answer_applied(mon, request);
		conf_report_clear(&report);
		return;
	}
	snprintf(line, sizeof(line),
	    err == ERR_FULL
		? "too many services, with those whose sessions still go on"
		: "it cannot be put in place: %s",
	    err_text(err));
	for (size_t i = 0; i < report.count; i++) {
		if (report.diags[i].severity != CONF_ERROR)
			continue;
		conf_diag_text(
		    &report.diags[i], mon->config_path, line, sizeof(line));
		if (report.errors > 1)
			snprintf(line + strlen(line),
			    sizeof(line) - strlen(line), " (and %zu more)",
			    report.errors - 1);
		break;
	}
	reload_warnings(mon, &report, false);
	report_configuration(mon, false, line);
	if (asked)
		answer_done(mon, request, false, line);
	conf_report_clear(&report);
	if (mon->accepting)
		notify_accepting(mon); /* as before */
}
