/*
 * What a look costs where so many are there, in the real tables: tables WHAT N
 * prints nanoseconds, the least of several runs. WHAT is `logins`, a login put
 * among N that are logged in (monitor/logins/logins.c), or `slots`, a session's
 * slot and a process's found among N (ipc/slots.c). The monitor's other parts
 * are played. Run by tests/bench/run; needs no privilege.
 */
/* NOLINTNEXTLINE(bugprone-suspicious-include): the real tables */
#include "monitor/logins/logins.c"

#include <stdlib.h>
#include <time.h>

#define RUNS 15
#define LOOKS 400 /* of one run */

static struct monitor mon;
static struct plan in_force;

/* --- the monitor's other parts
 * ------------------------------------------------ */

struct end_process
adopted_find(uint64_t session)
{
	return ((struct end_process){
	    .pid = session != 0 ? 2 : 0}); /* all of them run */
}

bool
loginproc_runs(uint64_t session)
{
	(void)session;
	return (false);
}

/* --- what is measured
 * --------------------------------------------------------- */

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tables: %s\n", what);
	exit(1);
}

/* A login of another user each, put and taken away again. */
static void
logins_look(unsigned n)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t session = n + 1 + i;

		must(logins_put(&mon, session, 1000 + i, "alice") != NULL,
		    "no room for a login");
		must(
		    logins_user_refusal(&mon, 1000 + i, session + 1, 0) == NULL,
		    "a login was refused");
		logins_remove(session);
	}
}

static void
logins_prepare(unsigned n)
{
	static char folder[] = "/tmp/portreeve-tables-XXXXXX";
	char path[64];

	must(mkdtemp(folder) != NULL, "no folder in /tmp");
	snprintf(path, sizeof(path), "%s/state", folder);
	must(mkdir(path, 0700) == 0, "no folder for the state");
	snprintf(mon.run_dir, sizeof(mon.run_dir), "%s", folder);
	mon.plan = &in_force;
	in_force.is.user_sessions = 40000;
	TAILQ_INIT(&mon.procs);
	must(logins_open(&mon) == 0, "the records cannot be made");
	snprintf(path, sizeof(path), "%s/state/logins", folder);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
	for (unsigned i = 0; i < n; i++)
		must(logins_put(&mon, i + 1, 5000 + i, "bob") != NULL,
		    "no room for the logins");
}

static struct slot_table *slots;

static void
slots_look(unsigned n)
{
	/* Who logs in has just come. */
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t which = n - 1 - i % 8;

		must(slot_find_session(slots, 1000 + which) == (int64_t)which &&
			 slot_find_pid(slots, (int32_t)(2000 + which)) ==
			     (int64_t)which &&
			 slot_find_session(slots, 999) < 0,
		    "a slot is not found");
	}
}

static void
slots_prepare(unsigned n)
{
	const struct addr peer = {.family = FAMILY_INET, .port = 1};
	uint32_t count = 2048;
	int fd = memfd_create("slots", MFD_CLOEXEC);

	while (count < 2 * n)
		count *= 2;
	must(fd >= 0 &&
		 ftruncate(fd, (off_t)SLOT_TABLE_BYTES((size_t)count)) == 0,
	    "no memory");
	slots = slot_table_map(fd, 1);
	must(slots != NULL, "the table cannot be mapped");
	for (uint32_t i = 0; i < n; i++) {
		must(slot_reserve(slots, i) == 0, "no room for a slot");
		slot_claim(slots, i, 1000 + i, &peer, 1);
		slot_started(slots, i, (int32_t)(2000 + i));
	}
}

int
main(int argc, char **argv)
{
	bool of_logins = argc == 3 && strcmp(argv[1], "logins") == 0;
	unsigned n = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	uint64_t best = UINT64_MAX;

	if (n == 0 || (!of_logins && strcmp(argv[1], "slots") != 0)) {
		fprintf(stderr, "usage: tables logins|slots N\n");
		return (2);
	}
	(of_logins ? logins_prepare : slots_prepare)(n);
	for (int i = 0; i < RUNS; i++) {
		uint64_t before = now_ns(), took;

		(of_logins ? logins_look : slots_look)(n);
		took = now_ns() - before;
		best = took < best ? took : best;
	}
	printf("%.1f\n", (double)best / LOOKS);
	return (0);
}
