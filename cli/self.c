/* Where this program lies, by proc(5). The portreeve command. */
#include <string.h>
#include <unistd.h>

#include "cli/self.h"
#include "lib/err.h"

int
self_sibling(const char *name, char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size);
	size_t len = strlen(name);
	char *slash;

	if (n < 0)
		return (ERR_SYSTEM);
	if ((size_t)n >= size)
		return (ERR_TOO_LONG);
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (slash == NULL || (size_t)(slash - buf) + 1 + len >= size)
		return (ERR_TOO_LONG);
	memcpy(slash + 1, name, len + 1);
	return (0);
}
