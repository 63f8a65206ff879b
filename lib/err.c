/* Texts of the ERR_ values. Any process; pure. */
#include "lib/err.h"

const char *
err_text(int err)
{
	switch (err) {
#define X(name, value, text)                                                   \
	case name:                                                             \
		return (text);
		ERR_LIST(X)
#undef X
	case ERR_OK:
		return ("success");
	default:
		return ("unknown error");
	}
}
