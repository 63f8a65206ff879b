/*
 * A planner's note as a line. The monitor at its start and in events, the
 * planner in a check; what it distrusts of the file's name is escaped.
 */
#include <stdio.h>
#include <string.h>

#include "ipc/plan_note.h"
#include "lib/escape.h"

const char *
plan_note_text(
    const struct msg_plan_note *note, const char *name, char *buf, size_t size)
{
	char file[256];

	snprintf(file, sizeof(file), "%s", note->file);
	if (file[0] == '\0')
		escape_bytes(file, sizeof(file), name, strlen(name));
	/* About the whole file: at its begin, so that lines have one form. */
	snprintf(buf, size, "%s:%u:%u: %s: %s", file,
	    note->line == 0 ? 1 : note->line,
	    note->line == 0 ? 1 : note->column,
	    note->error ? "error" : "warning", note->text);
	return (buf);
}
