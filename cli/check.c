/*
 * `portreeve check FILE`: becomes `portreeved -n -c FILE -r DIR`, so that there
 * is one set of checks. As the calling user; FILE is passed on as one argument,
 * and may be `-`, standard input.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/self.h"
#include "lib/err.h"
#include "lib/log.h"

#define DAEMON "portreeved"

int
command_check(const struct request *rq)
{
	char path[4096];
	char *const argv[] = {(char[]){DAEMON}, (char[]){"-n"}, (char[]){"-c"},
	    (char *)(uintptr_t)rq->argument, (char[]){"-r"},
	    (char *)(uintptr_t)rq->dir, NULL};
	int err = 0;

	/* Beside this program in a build folder, in sbin when installed. */
	if (self_sibling(DAEMON, path, sizeof(path)) != 0 ||
	    access(path, X_OK) != 0)
		err = self_sibling("../sbin/" DAEMON, path, sizeof(path));
	if (err != 0) {
		log_warn("cannot find %s: %s", DAEMON, err_text(err));
		return (1);
	}
	execv(path, argv);
	log_errno("cannot run %s, which checks configurations; is it "
		  "installed?",
	    path);
	return (1);
}
