/*
 * Turns struct conf into the messages of a plan. Planner: sealed, with root's
 * uid and CAP_DAC_READ_SEARCH (in a check, whoever asked for it, and nothing is
 * sent). It sends numbers, bounded texts and sealed memory; the monitor judges
 * each. The configuration was checked before; a banner's file is judged here.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/safe.h"
#include "planner/check.h"
#include "planner/handed.h"
#include "planner/ids.h"
#include "planner/note.h"
#include "planner/plan.h"
#include "planner/program.h"
#include "planner/sshd.h"
#include "sandbox/sandbox.h"

/* A plan on its way; what of it waits for something. */
struct plan {
	const struct planner *planner;
	const struct conf *conf;
	struct conf_report *report;
	char (*waits)[CONF_MESSAGE_MAX];
};

static void
plan_send(struct plan *plan, enum msg_type type, const void *msg,
    const int *fds, size_t nfds)
{
	struct ipc_channel *monitor = plan->planner->monitor;
	int err = 0;

	if (monitor != NULL)
		err = ipc_send_wait(monitor, type, msg, fds, nfds);
	if (err != 0)
		die("cannot send %s: %s", msg_name(type), err_text(err));
}

/* --- the configuration for listings --------------------------------------- */

/* A text that nobody can change any more. */
static int
plan_seal_text(const char *text, size_t n)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || fd_write_all(fd, text, n) != 0 ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		die("the configuration cannot be put into memory: %s",
		    strerror(errno));
	return (fd);
}

static int
plan_text(const struct conf *conf, enum plan_text which)
{
	char *text = NULL;
	size_t n = 0;
	int fd;

	if (conf_render(conf, which == PLAN_SET ? CONF_SET : CONF_BRACES,
		which != PLAN_UNMASKED, &text, &n) != 0)
		die("out of memory");
	if (n > PLAN_TEXT_MAX)
		die("the configuration is larger than %d bytes", PLAN_TEXT_MAX);
	fd = plan_seal_text(text, n);
	explicit_bzero(text, n);
	free(text);
	return (fd);
}

/* --- services --------------------------------------------------------------
 */

/* The banner's bytes; a file that cannot be read is a warning and no banner. */
static void
plan_banner(struct plan *plan, const struct conf_service *s,
    struct msg_login_options *o)
{
	const char *path = s->login.banner;
	char why[SAFE_REASON_MAX];
	int fd = safe_open_file(path, geteuid(), why, sizeof(why));
	ssize_t n = fd < 0 ? -1 : read(fd, o->banner.b, sizeof(o->banner.b));

	if (n < 0)
		conf_report_add(plan->report, CONF_WARNING,
		    conf_statement_pos(plan->conf, s, "banner"),
		    "banner %.100s cannot be read (%s): none is shown", path,
		    fd < 0 ? why : strerror(errno));
	o->banner.n = (uint16_t)(n > 0 ? n : 0);
	fd_close(&fd);
}

static void
plan_options(struct plan *plan, const struct conf_service *s)
{
	struct msg_login_options o = {.login_grace = s->login.login_grace_time,
	    .idle_timeout = s->login.idle_timeout};

	if (s->login.banner != NULL)
		plan_banner(plan, s, &o);
	plan_send(plan, MSG_LOGIN_OPTIONS, &o, NULL, 0);
}

/* --- what one source may have ------------------------------------------------
 */

/* What the service says, and where it says nothing, what all of them do. */
static uint8_t
plan_off(const struct conf_protection *p, const struct conf_sources *s)
{
	static const uint8_t bits[CONF_RULES] = {
	    [RULE_SOURCE_LIMIT] = SERVICE_NO_SOURCE_LIMIT,
	    [RULE_SOURCE_RATE] = SERVICE_NO_SOURCE_RATE,
	    [RULE_EARLY_DROP] = SERVICE_NO_EARLY_DROP,
	    [RULE_PENALTIES] = SERVICE_NO_PENALTIES};
	uint8_t off = 0;

	for (int i = 0; i < CONF_RULES; i++) {
		if (s->off[i] || (p->off[i] && !s->on[i]))
			off |= bits[i];
	}
	return (off);
}

static uint16_t
plan_prefixes(const struct conf_prefixes *from, uint8_t *to, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < from->count && n + PREFIX_WIRE <= size; i++) {
		prefix_put(&from->at[i], to + n);
		n += PREFIX_WIRE;
	}
	return ((uint16_t)n);
}

/* Without a statement, loopback: its own connections crowd out nobody's. */
static struct conf_prefixes
plan_exempt(const struct conf_protection *p)
{
	static struct prefix loopback[2];

	if (p->no_exempt || p->exempt.count > 0)
		return (p->exempt);
	(void)prefix_parse(&loopback[0], "127.0.0.0/8");
	(void)prefix_parse(&loopback[1], "::1");
	return ((struct conf_prefixes){.at = loopback, .count = 2});
}

static void
plan_protection(struct plan *plan, const struct conf_service *s)
{
	static struct msg_protection m;
	const struct conf_protection *p = &plan->conf->protection;
	const struct conf_sources *c = &s->sources;
	const struct conf_early *early = c->early.full ? &c->early : &p->early;
	const struct conf_prefixes exempt = plan_exempt(p);

	memset(&m, 0, sizeof(m));
	m.off = plan_off(p, c);
	m.source_connections = c->connection_limit;
	m.source_attempts = c->rate_limit;
	m.early_start = early->start;
	m.early_rate = (uint8_t)early->rate;
	m.early_full = early->full;
	m.reserved_slots = c->reserved_slots;
	m.inet_prefix = (uint8_t)p->inet_prefix;
	m.inet6_prefix = (uint8_t)p->inet6_prefix;
	m.allow.n = plan_prefixes(&c->allow, m.allow.b, sizeof(m.allow.b));
	m.deny.n = plan_prefixes(&c->deny, m.deny.b, sizeof(m.deny.b));
	m.reserved.n =
	    plan_prefixes(&c->reserved, m.reserved.b, sizeof(m.reserved.b));
	m.exempt.n = plan_prefixes(&exempt, m.exempt.b, sizeof(m.exempt.b));
	plan_send(plan, MSG_PROTECTION, &m, NULL, 0);
}

static void
plan_fill_service(const struct plan *plan, const struct conf_service *s,
    const char *waits, struct msg_plan_service *m)
{
	snprintf(m->name, sizeof(m->name), "%s", s->name);
	m->kind = (uint8_t)s->kind;
	m->port = s->port;
	m->line = s->pos.line;
	m->column = s->pos.col;
	m->listen_default = s->listen_default;
	for (int f = 0; f < FAMILY_COUNT; f++)
		m->without = (uint8_t)(m->without | s->without[f] << f);
	m->datagram = s->exec.protocol == CONF_UDP;
	m->wait = s->exec.wait;
	m->connection_limit = s->connection_limit;
	m->rate_limit = s->rate_limit;
	m->root_login = (uint8_t)s->login.root_login;
	m->log_unknown = s->login.log_unknown_users;
	if (s->login.pam_service != NULL)
		snprintf(m->pam_service, sizeof(m->pam_service), "%s",
		    s->login.pam_service);
	for (unsigned i = 0; i < s->login.authentication_order.count; i++) {
		size_t n = strlen(m->order);

		snprintf(m->order + n, sizeof(m->order) - n, "%s%s",
		    i == 0 ? "" : ",", s->login.authentication_order.words[i]);
	}
	m->packets = s->ssh.max_pre_packets;
	m->list_users = s->finger.list_users;
	m->show_details = s->finger.show_details;
	if (service_traits(s->kind)->by == BY_SSHD &&
	    service_traits(s->kind)->served && waits[0] == '\0')
		sshd_describe(plan->planner, s, m);
	snprintf(m->waiting, sizeof(m->waiting), "%s", waits);
}

/*
 * What it runs and as whom, unless that cannot be said: it waits then, or is an
 * error.
 */
static bool
plan_program(struct plan *plan, const struct conf_service *s,
    char waits[CONF_MESSAGE_MAX], struct msg_program *program,
    uint32_t *own_uid)
{
	enum plan_what what = plan->planner->what;
	char reason[CONF_MESSAGE_MAX];

	memset(program, 0, sizeof(*program));
	if (waits[0] != '\0')
		return (false);
	if (program_fill(plan->planner, s, program, reason) == 0 &&
	    ids_find_service(plan->planner, plan->conf, s, own_uid, reason,
		sizeof(reason)) == 0)
		return (true);
	if (what == PLAN_START || what == PLAN_RETRY)
		snprintf(waits, CONF_MESSAGE_MAX, "%s", reason);
	else
		conf_report_add(plan->report, CONF_ERROR, s->pos, "%s", reason);
	return (false);
}

static void
plan_service(struct plan *plan, const struct conf_service *s, char *waits)
{
	static struct msg_program program;
	const struct service_traits *traits = service_traits(s->kind);
	struct msg_plan_service m = {.end_ = 0};
	struct msg_plan_address address = {.end_ = 0};
	bool runs = traits->by == BY_PROGRAM &&
		    plan_program(plan, s, waits, &program, &m.own_uid);

	if (!runs)
		m.own_uid = 0;
	plan_fill_service(plan, s, waits, &m);
	plan_send(plan, MSG_PLAN_SERVICE, &m, NULL, 0);
	for (unsigned i = 0; i < s->listen_count; i++) {
		address.address = s->listen[i];
		plan_send(plan, MSG_PLAN_ADDRESS, &address, NULL, 0);
	}
	plan_protection(plan, s);
	if (runs)
		plan_send(plan, MSG_PROGRAM, &program, NULL, 0);
	if (traits->by == BY_WORKER && traits->served && traits->logins != 0)
		plan_options(plan, s);
}

static bool
plan_has(const struct planner *p, const struct conf_service *s)
{
	return (p->what != PLAN_RETRY || strcmp(s->name, p->name) == 0);
}

static void
plan_services(struct plan *plan)
{
	const struct conf *conf = plan->conf;

	for (unsigned i = 0; i < conf->service_count; i++) {
		if (plan_has(plan->planner, &conf->services[i]))
			plan_service(plan, &conf->services[i], plan->waits[i]);
	}
}

/* --- servers of authentication-order ---------------------------------------
 */

static void
plan_asked(
    struct plan *plan, enum plan_asked kind, const struct conf_askeds *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct conf_asked *s = &all->servers[i];
		struct msg_plan_asked m = {.kind = (uint8_t)kind,
		    .address = s->address,
		    .timeout = s->timeout,
		    .retry = kind == PLAN_ASKED_RADIUS ? s->retry : 1};

		m.address.port = s->port;
		snprintf(m.secret, sizeof(m.secret), "%s", s->secret);
		plan_send(plan, MSG_PLAN_ASKED, &m, NULL, 0);
		explicit_bzero(&m, sizeof(m));
	}
}

/* --- the whole -------------------------------------------------------------
 */

static enum sandbox_level
plan_level(const struct conf *conf)
{
	switch (conf->sandbox_level) {
	case CONF_SANDBOX_ROOTLESS:
		return (SANDBOX_ROOTLESS);
	case CONF_SANDBOX_LANDLOCK_OPTIONAL:
		return (SANDBOX_LANDLOCK_OPTIONAL);
	default:
		return (SANDBOX_FULL);
	}
}

static void
plan_globals(struct plan *plan)
{
	const struct conf *conf = plan->conf;
	const struct group *group = getgrnam("portreeve");
	struct msg_plan m = {.login_limit = conf->login_limit,
	    .keep_sessions = conf->keep_sessions,
	    .session_sandbox = (uint8_t)conf->session_sandbox,
	    .sandbox_level = (uint8_t)plan_level(conf),
	    .user_processes = conf->user_limit_processes,
	    .user_sessions = conf->user_limit_sessions,
	    .control_group = group != NULL ? group->gr_gid : UINT32_MAX,
	    .role_uid_low = conf->role_uid_low,
	    .role_uid_high = conf->role_uid_high};
	int texts[PLAN_TEXTS];

	for (unsigned i = 0; i < conf->service_count; i++)
		m.services = (uint16_t)(m.services + plan_has(plan->planner,
							 &conf->services[i]));
	for (int i = 0; i < PLAN_TEXTS; i++)
		texts[i] = plan_text(conf, (enum plan_text)i);
	plan_send(plan, MSG_PLAN, &m, texts, PLAN_TEXTS);
	for (int i = 0; i < PLAN_TEXTS; i++)
		fd_close(&texts[i]);
}

/* A check is to agree with the start, where each role seals itself. */
static void
plan_try_sandbox(const struct planner *p, const struct conf *conf,
    struct conf_report *report)
{
	enum sandbox_level level =
	    p->rootless ? SANDBOX_ROOTLESS : plan_level(conf);
	struct sandbox_report sandbox;

	if (sandbox_try(level, &sandbox) != 0)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, NULL, "sandbox-level"), "%s",
		    sandbox.error);
}

static void
plan_notes(struct plan *plan)
{
	for (size_t i = 0; i < plan->report->count; i++) {
		const struct conf_diag *d = &plan->report->diags[i];
		struct msg_plan_note m = {.error = d->severity == CONF_ERROR,
		    .line = d->pos.line,
		    .column = d->pos.col};

		snprintf(m.file, sizeof(m.file), "%s", d->file);
		snprintf(m.text, sizeof(m.text), "%s", d->text);
		note_send(plan->planner, &m);
	}
}

static void
plan_all(struct plan *plan)
{
	const struct conf *conf = plan->conf;
	char reason[CONF_MESSAGE_MAX];

	plan_globals(plan);
	if (plan->planner->what == PLAN_START &&
	    ids_send_roles(plan->planner, conf, reason, sizeof(reason)) != 0)
		conf_report_add(plan->report, CONF_ERROR,
		    conf_statement_pos(conf, NULL, "role-uids"), "%s", reason);
	else {
		if (plan->planner->what != PLAN_RETRY) {
			plan_asked(plan, PLAN_ASKED_RADIUS, &conf->radius);
			plan_asked(plan, PLAN_ASKED_TACPLUS, &conf->tacplus);
		}
		plan_services(plan);
	}
}

bool
plan_make(const struct planner *p)
{
	static check_waits waits;
	struct conf_report report = {0};
	struct conf *conf = NULL;
	struct plan plan = {.planner = p, .report = &report, .waits = waits};
	struct msg_plan_done done = {.end_ = 0};

	if (p->what == PLAN_USER) {
		plan_send(&plan, MSG_PLAN_DONE, &done, NULL, 0);
		return (true);
	}
	check_configuration(p, &conf, waits, &report);
	plan.conf = conf;
	if (p->what == PLAN_CHECK && report.errors == 0 && conf != NULL)
		plan_try_sandbox(p, conf, &report);
	if (report.errors == 0 && conf != NULL)
		plan_all(&plan);
	plan_notes(&plan);
	if (report.errors == 0 && conf != NULL && p->what != PLAN_RETRY)
		handed_send(p, conf, PLAN_NOTES_MAX - report.count);
	done.refused = report.errors > 0 || conf == NULL;
	done.errors = (uint32_t)report.errors;
	done.lost = report.lost;
	if (p->what == PLAN_CHECK)
		sshd_remove_prepared(p);
	plan_send(&plan, MSG_PLAN_DONE, &done, NULL, 0);
	if (done.lost)
		note_lost(p);
	conf_report_clear(&report);
	conf_free(conf);
	return (!done.refused);
}
