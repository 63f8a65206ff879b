/*
 * Fuzzer of lookup's table of /etc/passwd: whatever it takes, the C library's
 * parser takes alike. And of nsswitch.conf's line.
 */
#include <stdint.h>

#include "tests/stage/passwd.h"
#include "workers/lookup/passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)passwd_nss_begins_with_files((const char *)data, size);
	(void)passwd_compare((const char *)data, size);
	return (0);
}
