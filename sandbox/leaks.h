/* What a build with LeakSanitizer must not do in a sealed process. */
#ifndef PORTREEVE_SANDBOX_LEAKS_H
#define PORTREEVE_SANDBOX_LEAKS_H

/*
 * From now on this process, when it ends, does not look for leaks: that takes
 * a thread which traces it, and no profile allows one. No effect in builds
 * without that sanitizer.
 */
void leaks_end_search(void);

#endif
