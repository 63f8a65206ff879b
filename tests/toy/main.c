/*
 * A kind of service that only a test has: its zygote, and in each of its forks
 * a worker that says its peer's line back. Runs as every built-in service does,
 * in a sandbox that it has from its row only.
 */
#include "workers/common/zygote.h"

#define LINE_MS 60000

static int
toy_serve(struct worker *w)
{
	uint8_t buf[256];
	struct worker_input input = {.buf = buf, .size = sizeof(buf)};
	const uint8_t *line;
	size_t n;

	if (worker_read_line(
		w, &input, worker_deadline_since(w, LINE_MS), &line, &n) != 0)
		return (1);
	worker_write_all(w, line, n, worker_deadline_since(w, LINE_MS));
	worker_write_all(w, "\n", 1, worker_deadline_since(w, LINE_MS));
	return (0);
}

int
main(int argc, char **argv)
{
	static const struct zygote_ops ops = {.serve = toy_serve};

	(void)argc;
	return (zygote_run(&ops, argv));
}
