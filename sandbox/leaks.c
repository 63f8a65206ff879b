/*
 * LeakSanitizer asks a program, by a function of a name that it gives
 * (sanitizer/lsan_interface.h), whether to look for leaks at its end. Every
 * sealed role; the question comes in builds with that sanitizer only.
 */
#include "sandbox/leaks.h"

static int leaks_search_ended;

int __lsan_is_turned_off(void); /* NOLINT: the sanitizer's name */

int
__lsan_is_turned_off(void) /* NOLINT: the sanitizer's name */
{
	return (leaks_search_ended);
}

void
leaks_end_search(void)
{
	leaks_search_ended = 1;
}
