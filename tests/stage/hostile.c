/* Files of attack bytes, below tests/hostile; for tests run from the top. */
#include "tests/stage/hostile.h"

void
hostile_each(const char *folder,
    void (*check)(const char *name, const uint8_t *bytes, size_t n))
{
	static uint8_t bytes[HOSTILE_MAX];
	DIR *d = opendir(folder);
	struct dirent *entry;
	int files = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		char path[512];
		size_t n;
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		n = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		check(entry->d_name, bytes, n);
		files++;
	}
	closedir(d);
	assert_true(files > 20);
}

int
is_harmless(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t c = p[i];
		size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

		if (c == '\r' && i + 1 < n && p[i + 1] == '\n') {
			i += 2;
			continue;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && more == 0) ||
		    i + more >= n)
			return (0);
		c &= more == 0 ? 0x7f : 0x3fu >> more;
		for (size_t j = 1; j <= more; j++) {
			if ((p[i + j] & 0xc0) != 0x80)
				return (0);
			c = c << 6 | (p[i + j] & 0x3f);
		}
		if ((more == 1 && c < 0xa0) || (more == 2 && c < 0x800) ||
		    (more == 3 && (c < 0x10000 || c > 0x10ffff)) ||
		    (c >= 0xd800 && c <= 0xdfff))
			return (0);
		i += more + 1;
	}
	return (1);
}
