/*
 * LeakSanitizer asks a program, by a function of a name that it gives
 * (sanitizer/lsan_interface.h), whether to look for leaks at its end. Every
 * sealed role; the question comes in builds with that sanitizer only. Another
 * tells AddressSanitizer to leave fatal signals alone: its report opens files,
 * and the sandbox would end it by another signal than the one that came.
 */
#include "sandbox/leaks.h"

static int leaks_search_ended;

int __lsan_is_turned_off(void); /* NOLINT: the sanitizer's name */

int
__lsan_is_turned_off(void) /* NOLINT: the sanitizer's name */
{
	return (leaks_search_ended);
}

const char *__asan_default_options(void); /* NOLINT: the sanitizer's name */

const char *
__asan_default_options(void) /* NOLINT: the sanitizer's name */
{
	return ("handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:"
		"handle_sigill=0");
}

void
leaks_end_search(void)
{
	leaks_search_ended = 1;
}
