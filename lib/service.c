/* The table of lib/service.def. Any process; pure. */
#include <string.h>

#include "lib/service.h"

#define REFUSAL_LINE "Too many connections\r\n"

static const struct service_traits services[SERVICE_COUNT] = {
#define SERVICE(id, w, ...) [SERVICE_##id] = {.word = (w), __VA_ARGS__},
#include "lib/service.def"
};

const struct service_traits *
service_traits(enum service_kind kind)
{
	static const struct service_traits none = {.word = "?", .program = "?"};

	return ((unsigned)kind < SERVICE_COUNT ? &services[kind] : &none);
}

enum service_kind
service_reader(enum service_kind kind)
{
	const char *log = service_traits(kind)->log;

	for (int i = 0; i < SERVICE_COUNT && log != NULL; i++) {
		if (services[i].log != NULL &&
		    strcmp(services[i].log, log) == 0)
			return ((enum service_kind)i);
	}
	return (SERVICE_COUNT);
}

const char *
service_kind_name(enum service_kind kind)
{
	return (service_traits(kind)->word);
}
