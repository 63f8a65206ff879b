/* For sanitizers' builds: see sandbox/sanitizer.h. Runs in sealed processes. */
#include "sandbox/sanitizer.h"

static int sanitizer_sealed;

/* Asked by LeakSanitizer at a process's end, where there is one. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*): the run-time's name */
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return (sanitizer_sealed);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*) */

void
sanitizer_note_sealed(void)
{
	sanitizer_sealed = 1;
}
