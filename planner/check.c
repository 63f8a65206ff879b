/*
 * Loads the configuration and checks it: by itself, against this host, and by
 * sshd. Planner: sealed, with root's uid and CAP_DAC_READ_SEARCH (in a check,
 * whoever asked for it). Distrusts the file, whose owner and folders are
 * judged, and everything that stands in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "planner/check.h"
#include "planner/hostcheck.h"
#include "planner/sshd.h"

static void
check_service(const struct planner *p, const struct conf *conf,
    const struct conf_service *s, struct conf_report *report)
{
	conf_check_host_service(conf, s, report);
	if (service_traits(s->kind)->by == BY_SSHD &&
	    service_traits(s->kind)->served)
		sshd_check(p, conf, report);
}

/* Of a report about one service, to all: its first error is why it waits. */
static void
check_wait_for_errors(char waits[CONF_MESSAGE_MAX],
    const struct conf_report *one, struct conf_report *report)
{
	for (size_t i = 0; i < one->count; i++) {
		const struct conf_diag *d = &one->diags[i];

		if (d->severity == CONF_WARNING)
			conf_report_add_file(report, CONF_WARNING, d->file,
			    d->pos, "%s", d->text);
		else if (waits[0] == '\0' && d->file[0] != '\0')
			snprintf(waits, CONF_MESSAGE_MAX, "%.100s:%u: %.200s",
			    d->file, d->pos.line, d->text);
		else if (waits[0] == '\0')
			snprintf(waits, CONF_MESSAGE_MAX, "%s", d->text);
	}
	if (one->errors > 0 && waits[0] == '\0')
		snprintf(waits, CONF_MESSAGE_MAX, "out of memory");
}

static void
check_services(const struct planner *p, const struct conf *conf, bool may_wait,
    check_waits waits, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct conf_service *s = &conf->services[i];
		struct conf_report one = {0};

		if (p->what == PLAN_RETRY && strcmp(s->name, p->name) != 0)
			continue;
		if (!may_wait) {
			check_service(p, conf, s, report);
			continue;
		}
		check_service(p, conf, s, &one);
		check_wait_for_errors(waits[i], &one, report);
		conf_report_clear(&one);
	}
}

/* The configuration in force, which the monitor had from a planner. */
static void
check_load_again(int fd, struct conf **out, struct conf_report *report)
{
	char *text = malloc(PLAN_TEXT_MAX);
	ssize_t n = text != NULL ? pread(fd, text, PLAN_TEXT_MAX, 0) : -1;

	if (n < 0)
		conf_report_add(report, CONF_ERROR, (struct conf_pos){0, 0},
		    "the configuration in force cannot be read");
	else
		conf_parse_all(text, (size_t)n, out, report);
	if (n > 0)
		explicit_bzero(text, (size_t)n);
	free(text);
}

void
check_configuration(const struct planner *p, struct conf **out,
    check_waits waits, struct conf_report *report)
{
	bool may_wait = p->what == PLAN_START || p->what == PLAN_RETRY;

	*out = NULL;
	if (p->what == PLAN_RETRY)
		check_load_again(p->fd, out, report);
	else
		conf_load(p->path, out, report);
	if (*out == NULL)
		return;
	/* Whatever is wrong already: all errors are reported together. */
	check_services(p, *out, may_wait && report->errors == 0, waits, report);
	if (p->what != PLAN_RETRY)
		hostcheck_warn(p, *out, report);
}
