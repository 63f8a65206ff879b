/*
 * A program for sessions that last: it waits for a byte of its peer's, writes
 * 7 bytes to the connection, and exits. Linked statically and small, so that
 * 10,000 of it fit. Runs as whatever user the server gives it.
 */
#include <unistd.h>

int
main(void)
{
	char c;

	if (read(STDIN_FILENO, &c, 1) != 1)
		return (0);
	return (write(STDOUT_FILENO, "hello!\n", 7) == 7 ? 0 : 1);
}
