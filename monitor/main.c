/*
 * portreeved: the monitor. Runs as root (or, rootless, as an ordinary user)
 * with the whole bounding set and no filter, because logins inherit both from
 * it. It reads the configuration and what its own roles tell it, never a
 * peer's byte; it starts, seals and replaces all others.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/err.h"
#include "lib/escape.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/boot.h"
#include "monitor/dirs.h"
#include "monitor/listeners/bind.h"
#include "monitor/listeners/handed.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/pamsock.h"
#include "monitor/planner.h"
#include "monitor/reload.h"
#include "monitor/report.h"
#include "monitor/roles/answer.h"
#include "monitor/roles/child.h"
#include "monitor/roles/images.h"
#include "monitor/roles/predecessor.h"
#include "monitor/roles/reserve.h"
#include "monitor/roles/supervise.h"
#include "monitor/roles/watchdog.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/end.h"
#include "monitor/sessions/table.h"
#include "monitor/show.h"
#include "monitor/sshd.h"
#include "monitor/stop.h"
#include "sandbox/sandbox.h"

#define CONFIG_STDIN "-" /* to be checked */
#define DEFAULT_CONFIG "/etc/portreeve/portreeve.conf"
#define EVENTS_HELD 1024 /* while audit is away */
#define ROOM_LEAST 1024	 /* kB of the run-time state's file system */

struct options {
	bool check;
	const char *run_dir, *state_dir;
};

static void __attribute__((noreturn))
monitor_usage(const char *what, const char *word)
{
	char text[128];

	escape_bytes(text, sizeof(text), word, strlen(word));
	fprintf(stderr,
	    "portreeved: %s%s; `portreeved --help` lists all options\n", what,
	    text);
	exit(2);
}

/* What --help and --version say must have been written. */
static void __attribute__((noreturn)) monitor_said(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		exit(0);
	fprintf(stderr, "portreeved: cannot write to standard output: %s\n",
	    strerror(errno));
	exit(1);
}

static void __attribute__((noreturn)) monitor_help(void)
{
	printf("usage: portreeved [-dnv] [-c FILE] [-r DIR] [-s DIR]\n  -d  "
	       "stay in the foreground: events on stderr, and on stdout\n      "
	       "what listens and how to try it\n  -n  check the configuration "
	       "and exit: 0 valid, 1 not\n  -v  write messages for developers, "
	       "too\n  -c  the configuration (%s);\n      -c - with -n: "
	       "standard input\n  -r  run-time state (/run/portreeve)\n  -s  "
	       "lasting state (/var/lib/portreeve)\nportreeved(8) says more.\n",
	    DEFAULT_CONFIG);
	monitor_said();
}

/* An option's argument: a path, and so never empty. */
static const char *
monitor_option_path(int option, const char *path)
{
	const char word[] = {'-', (char)option, '\0'};

	if (*path == '\0')
		monitor_usage("an empty path after ", word);
	return (path);
}

static void __attribute__((noreturn)) monitor_wrong_option(int c, char **argv)
{
	const char word[] = {'-', (char)optopt, '\0'};

	if (c == ':')
		monitor_usage("a path is missing after ", word);
	monitor_usage(
	    "no such option: ", optopt != 0 ? word : argv[optind - 1]);
}

static void
monitor_parse_options(
    struct monitor *mon, struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
	int c;

	mon->config_path = DEFAULT_CONFIG;
	while (
	    (c = getopt_long(argc, argv, ":dnvhc:r:s:", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			mon->foreground = mon->verbose = true;
			break;
		case 'n':
			o->check = true;
			break;
		case 'v':
			mon->verbose = true;
			break;
		case 'c':
			mon->config_path = monitor_option_path(c, optarg);
			break;
		case 'r':
			o->run_dir = monitor_option_path(c, optarg);
			break;
		case 's':
			o->state_dir = monitor_option_path(c, optarg);
			break;
		case 'h':
			monitor_help();
		case 'V':
			printf("portreeved %s\n", VERSION);
			monitor_said();
		default:
			monitor_wrong_option(c, argv);
		}
	}
	if (optind < argc)
		monitor_usage("-c names a configuration; one word too many: ",
		    argv[optind]);
	/* A reload could not read it again. */
	if (!o->check && strcmp(mon->config_path, CONFIG_STDIN) == 0)
		monitor_usage(
		    "standard input is read only to check it: -c - needs ",
		    "-n");
}

static void __attribute__((noreturn)) monitor_start_failed(const char *reason)
{
	fprintf(stderr, "portreeved: %s\n", reason);
	exit(1);
}

/* -n: the planner's program says what a start would, with the rights it has. */
static void __attribute__((noreturn))
monitor_check(struct monitor *mon, const struct options *o)
{
	static char title[] = "portreeve: planner", check[] = "check",
		    quiet[] = "", verbose[] = "v";
	char config[PATH_MAX], reason[REASON_MAX];
	char *argv[] = {title, check, config, mon->run_dir,
	    mon->verbose ? verbose : quiet, NULL};

	if (snprintf(config, sizeof(config), "%s", mon->config_path) >=
	    (int)sizeof(config))
		monitor_start_failed("the configuration's path is too long");
	if (dirs_find_libexec(mon, reason, sizeof(reason)) != 0)
		monitor_start_failed(reason);
	/* Without a folder there is no daemon to compare with. */
	if (dirs_choose(
		mon, o->run_dir, o->state_dir, reason, sizeof(reason)) != 0)
		mon->run_dir[0] = '\0';
	sshd_make_folder(mon);
	images_exec("planner", argv, environ);
	snprintf(reason, sizeof(reason), "cannot run libexec/planner: %s",
	    strerror(errno));
	monitor_start_failed(reason);
}

static void
monitor_on_signal(int sig, void *arg)
{
	struct monitor *mon = arg;

	switch (sig) {
	case SIGCHLD:
		supervise_reap(mon);
		break;
	case SIGHUP:
		if (!monitor_is_leaving(mon) && mon->plan != NULL)
			reload_run(mon, false, 0);
		break;
	case SIGTERM:
	case SIGINT:
		if (mon->plan == NULL) /* nothing runs yet */
			exit(0);
		stop_begin(mon, sig == SIGTERM ? "SIGTERM" : "SIGINT");
		break;
	default:
		break;
	}
}

static void
monitor_catch_signals(struct monitor *mon)
{
	int signals[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT};

	signal(SIGPIPE, SIG_IGN);
	if (!mon->foreground)
		signals[3] = SIGTERM;
	if (loop_signals(signals, 4, monitor_on_signal, mon) < 0)
		monitor_start_failed("cannot catch signals");
}

/* Everything that can fail for reasons outside, with its sentence. */
static void
monitor_prepare(struct monitor *mon, const struct options *o)
{
	char reason[REASON_MAX];

	if (dirs_find_libexec(mon, reason, sizeof(reason)) != 0 ||
	    dirs_make(mon, o->run_dir, o->state_dir, reason, sizeof(reason)) !=
		0 ||
	    dirs_lock(mon, reason, sizeof(reason)) != 0)
		monitor_start_failed(reason);
	boot_forget_others(mon);
	handed_write(mon);
}

/* The log's descriptor becomes our own 2 once no start-up sentence is due. */
static void
monitor_go_quiet(struct monitor *mon)
{
	if (mon->log_fd == 2)
		return;
	/* Keep the real stderr for audit: see child_exec(). */
	log_set_fd(mon->log_fd);
	log_set_verbose(mon->verbose);
}

static void
monitor_warn_of_little_room(struct monitor *mon)
{
	char reason[PATH_MAX + 160];
	struct statvfs v;
	unsigned long long kb;

	if (statvfs(mon->run_dir, &v) < 0)
		return;
	kb = (unsigned long long)v.f_bavail * v.f_frsize / 1024;
	if (kb >= ROOM_LEAST)
		return;
	snprintf(reason, sizeof(reason),
	    "only %llu kB are free below %s: connections are refused when it "
	    "is full; make room, or name another folder with -r",
	    kb, mon->run_dir);
	report_warning(mon, NULL, reason);
}

/* All that is made once, before anything is served. */
static void
monitor_open(struct monitor *mon)
{
	char reason[REASON_MAX];

	if (dirs_open_files(mon, reason, sizeof(reason)) != 0)
		monitor_start_failed(reason);
	monitor_go_quiet(mon);
	mon->sink = event_sink_new(ROLE_MONITOR, EVENTS_HELD);
	if (mon->sink == NULL)
		monitor_start_failed("out of memory");
	if (predecessor_end_roles(mon) != 0)
		monitor_start_failed(
		    "the run-time state cannot be used: see above");
	adopt_find_all(mon);
	if (logins_open(mon) != 0 || pamsock_open(mon) != 0)
		monitor_start_failed(
		    "the run-time state cannot be used: see above");
	loginproc_adopt_all(mon);
}

/* The first plan is there. */
static void
monitor_start(struct monitor *mon, const char *name, struct plan *plan,
    const char *failed)
{
	(void)name;
	if (failed != NULL)
		monitor_start_failed(failed);
	if (plan->done.refused) {
		reload_print(mon, plan);
		exit(1);
	}
	mon->plan = plan;
	show_take_person(&plan->user);
	monitor_open(mon);
	mon->plan = NULL;
	if (mon->rootless)
		report_warning(mon, NULL,
		    "started by an ordinary user: logins only as that user, "
		    "one uid for all roles, no utmp, weaker sandboxes");
	reload_warnings(mon, plan, true);
	monitor_warn_of_little_room(mon);
	if (reload_apply(mon, plan) != 0)
		monitor_start_failed(
		    "the configuration cannot be applied: see above");
	end_resume(mon);
	watchdog_open(mon);
}

int
main(int argc, char **argv)
{
	struct monitor *mon = table_monitor();
	struct options o = {0};
	char *argv0_end;

	setlocale(LC_ALL, "C");
	log_set_name("portreeved");
	argv0_end = argv[0] + strlen(argv[0]);
	setproctitle_init(argc, argv, environ);
	monitor_parse_options(mon, &o, argc, argv);
	/* Under -d there is a file for it, later. */
	log_set_verbose(mon->verbose && !mon->foreground);
	mon->rootless = geteuid() != 0;
	mon->state_fd = mon->control_fd = mon->log_fd = -1;
	TAILQ_INIT(&mon->listeners);
	TAILQ_INIT(&mon->procs);
	mon->hear = answer_readable;
	mon->next_listener = 1;
	if (o.check)
		monitor_check(mon, &o);
	setproctitle("-portreeve: monitor");
	/* libbsd's mark for kernels of old: ps would show it as a word. */
	if (*argv0_end == '.')
		*argv0_end = '\0';
	bind_take_handed_over(mon);
	child_files_raise();
	reserve_open();
	umask(022);
	monitor_prepare(mon, &o);
	/* A dead zygote's programs become ours, and can be waited for. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		monitor_start_failed("cannot become the reaper of orphans");
	monitor_catch_signals(mon);
	planner_ask(mon, PLAN_START, show_person_name(mon), monitor_start);
	while (mon->stage != STAGE_OVER) {
		loop_turn();
		if (mon->exit_status != 0 && !monitor_is_leaving(mon))
			stop_begin(mon, "a role could not be started");
		stop_step(mon);
	}
	dirs_remove_sockets(mon);
	return (mon->exit_status);
}
