/*
 * The options of /proc, from /proc/self/mountinfo (proc_pid_mountinfo(5)), read
 * anew for each that asks: a remount changes them. Monitor (root).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/roles/hidepid.h"

/* The group of one mount's options, "rw,gid=27,hidepid=invisible\n". */
static uint32_t
hidepid_of_options(char *options)
{
	uint32_t group = 0; /* the kernel's default */
	bool hides = false;
	char *save = NULL;

	for (char *o = strtok_r(options, ",\n", &save); o != NULL;
	     o = strtok_r(NULL, ",\n", &save)) {
		if (strncmp(o, "gid=", 4) == 0)
			group = (uint32_t)strtoul(o + 4, NULL, 10);
		else if (strncmp(o, "hidepid=", 8) == 0)
			hides = strcmp(o + 8, "0") != 0 &&
				strcmp(o + 8, "off") != 0;
	}
	return (hides ? group : UINT32_MAX);
}

uint32_t
hidepid_group(void)
{
	static const char kind[] = " - proc ";
	uint32_t group = UINT32_MAX;
	char *line = NULL, *p;
	size_t room = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	/* The last one of that place lies over the others. */
	while (f != NULL && getline(&line, &room, f) > 0) {
		if (strstr(line, " / /proc ") == NULL ||
		    (p = strstr(line, kind)) == NULL ||
		    (p = strchr(p + sizeof(kind) - 1, ' ')) == NULL)
			continue;
		group = hidepid_of_options(p + 1);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return (group);
}
