/*
 * The smallest program that an inetd can be asked to run: it writes 7 bytes
 * to its standard output, the connection, and exits. Linked statically, so
 * that what is measured is the server and not the dynamic linker. Runs as
 * whatever user the server gives it; reads nothing.
 */
#include <unistd.h>

int
main(void)
{
	return (write(STDOUT_FILENO, "hello!\n", 7) == 7 ? 0 : 1);
}
