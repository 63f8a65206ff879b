/*
 * Each method is a stack of PAM's of its own, begun within the one that runs
 * and given the same user, source and password: the servers' stack is a file of
 * the monitor's, and `password` the host's own service, in which our line is
 * silent. No answer is PAM_AUTHINFO_UNAVAIL and nothing else; whatever goes
 * wrong besides is a no. Servers are distrusted: what they say is not shown,
 * and they get no second answer.
 */
#include <sys/stat.h>

#include <security/pam_appl.h>
#include <security/pam_ext.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "monitor/pam/ask.h"
#include "monitor/pam/order.h"

#define ORDER_DATA "portreeve_order"
#define ORDER_DELAY_US 2000000 /* of a no, as pam_unix asks for */

static bool order_nested;
/* What ORDER_DATA points to. */
static char order_asked[] = "asked", order_believed[] = "believed";

struct order_answer {
	const char *password;
	bool given;
};

bool
pam_order_is_nested(void)
{
	return (order_nested);
}

static const char *
order_data(pam_handle_t *pamh)
{
	const void *data = NULL;

	if (pam_get_data(pamh, ORDER_DATA, &data) != PAM_SUCCESS)
		return (NULL);
	return (data);
}

bool
pam_order_was_asked(pam_handle_t *pamh)
{
	return (order_data(pamh) != NULL);
}

int
pam_order_setcred(pam_handle_t *pamh)
{
	return (order_data(pamh) == order_believed ? PAM_SUCCESS : PAM_IGNORE);
}

/* --- one method ------------------------------------------------------------
 */

static void
order_wipe(struct pam_response *r, int n)
{
	for (int i = 0; i < n; i++) {
		if (r[i].resp != NULL)
			explicit_bzero(r[i].resp, strlen(r[i].resp));
		free(r[i].resp);
	}
	free(r);
}

/* The password, once; whatever is asked besides fails. */
static int
order_converse(int n, const struct pam_message **msg,
    struct pam_response **resp, void *arg)
{
	struct order_answer *a = arg;
	struct pam_response *r;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return (PAM_CONV_ERR);
	r = calloc((size_t)n, sizeof(*r));
	if (r == NULL)
		return (PAM_BUF_ERR);
	for (int i = 0; i < n; i++) {
		int style = msg[i]->msg_style;

		if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
			continue;
		if (style == PAM_PROMPT_ECHO_OFF && !a->given)
			r[i].resp = strdup(a->password);
		if (r[i].resp == NULL) {
			order_wipe(r, n);
			return (PAM_CONV_ERR);
		}
		a->given = true;
	}
	*resp = r;
	return (PAM_SUCCESS);
}

/* We wait ourselves, once for all. */
static void
order_delay(int status, unsigned usec, void *arg)
{
	(void)status;
	(void)usec;
	(void)arg;
}

static int
order_copy_items(pam_handle_t *pamh, pam_handle_t *inner)
{
	static const int items[] = {PAM_RHOST, PAM_TTY, PAM_RUSER};
	union {
		void (*fn)(int, unsigned, void *);
		const void *item;
	} delay = {.fn = order_delay};
	int status = pam_set_item(inner, PAM_FAIL_DELAY, delay.item);

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		const void *item = NULL;

		if (status == PAM_SUCCESS &&
		    pam_get_item(pamh, items[i], &item) == PAM_SUCCESS &&
		    item != NULL)
			status = pam_set_item(inner, items[i], item);
	}
	return (status);
}

/* The service's stack; of a file in folder, or NULL of the host's own. */
static int
order_run(pam_handle_t *pamh, const char *folder, const char *service,
    const char *password)
{
	struct order_answer answer = {.password = password};
	struct pam_conv conv = {.conv = order_converse, .appdata_ptr = &answer};
	pam_handle_t *inner = NULL;
	const char *user = NULL;
	int status = pam_get_user(pamh, &user, NULL);

	if (status != PAM_SUCCESS)
		return (status);
	order_nested = true;
	status = pam_start_confdir(service, user, &conv, folder, &inner);
	if (status == PAM_SUCCESS)
		status = order_copy_items(pamh, inner);
	if (status == PAM_SUCCESS)
		status = pam_authenticate(
		    inner, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (inner != NULL)
		pam_end(inner, status);
	order_nested = false;
	return (status);
}

static int
order_run_host(pam_handle_t *pamh, const char *password)
{
	const void *service = NULL;

	if (pam_get_item(pamh, PAM_SERVICE, &service) != PAM_SUCCESS ||
	    service == NULL)
		return (PAM_SYSTEM_ERR);
	return (order_run(pamh, NULL, service, password));
}

static bool
order_copy(char *dst, size_t size, const void *src)
{
	int n = snprintf(dst, size, "%s", src == NULL ? "" : (const char *)src);

	return (n >= 0 && (size_t)n < size);
}

static bool
order_copy_item(pam_handle_t *pamh, int item, char *dst, size_t size)
{
	const void *value = NULL;

	return (pam_get_item(pamh, item, &value) == PAM_SUCCESS &&
		order_copy(dst, size, value));
}

/* What does not fit in a message is asked of nobody, and so is no. */
static int
order_run_tacplus(pam_handle_t *pamh, const char *folder, const char *password)
{
	struct msg_tacplus_ask m = {.end_ = 0};
	enum tacplus_answer answer = TACPLUS_FAIL;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/tacplus", folder);

	if (n > 0 && (size_t)n < sizeof(path) &&
	    order_copy(m.password, sizeof(m.password), password) &&
	    order_copy_item(pamh, PAM_USER, m.user, sizeof(m.user)) &&
	    order_copy_item(pamh, PAM_TTY, m.port, sizeof(m.port)) &&
	    order_copy_item(pamh, PAM_RHOST, m.source, sizeof(m.source)))
		answer = pam_ask_tacplus(path, &m);
	explicit_bzero(&m, sizeof(m));
	switch (answer) {
	case TACPLUS_PASS:
		return (PAM_SUCCESS);
	case TACPLUS_SILENT:
		return (PAM_AUTHINFO_UNAVAIL);
	default:
		return (PAM_AUTH_ERR);
	}
}

/* --- all of them -----------------------------------------------------------
 */

static bool
order_is(const char *word, size_t n, const char *method)
{
	return (n == strlen(method) && memcmp(word, method, n) == 0);
}

/*
 * PAM_SUCCESS, PAM_IGNORE for the host's lines, PAM_AUTHINFO_UNAVAIL for no
 * answer, and every other value for no. The host's lines are the last ones
 * anyway: asked before the last method, they are asked first whether they would
 * say yes.
 */
static int
order_ask(pam_handle_t *pamh, const char *folder, const char *word, size_t n,
    const char *password)
{
	bool last = word[n] == '\0';
	int status;

	if (order_is(word, n, "radius"))
		return (order_run(pamh, folder, "radius", password));
	if (order_is(word, n, "tacplus"))
		return (order_run_tacplus(pamh, folder, password));
	if (!order_is(word, n, "password"))
		return (PAM_SYSTEM_ERR);
	if (last)
		return (PAM_IGNORE);
	status = order_run_host(pamh, password);
	return (status == PAM_SUCCESS ? PAM_IGNORE : status);
}

static int
order_ask_all(pam_handle_t *pamh, const char *folder, const char *order,
    const char *password)
{
	bool rejected = false;

	for (const char *word = order; *word != '\0';) {
		size_t n = strcspn(word, ",");
		int status = order_ask(pamh, folder, word, n, password);

		if (status == PAM_SUCCESS || status == PAM_IGNORE)
			return (status);
		pam_syslog(pamh, LOG_INFO, "%.*s: %s", (int)n, word,
		    status == PAM_AUTHINFO_UNAVAIL ? "no answer" : "rejected");
		rejected = rejected || status != PAM_AUTHINFO_UNAVAIL;
		word += n + (word[n] == ',');
	}
	return (rejected ? PAM_AUTH_ERR : PAM_IGNORE);
}

/* Whoever could name another folder to a program of root's is believed none. */
static bool
order_is_roots(const char *folder)
{
	struct stat st;

	return (lstat(folder, &st) == 0 && st.st_uid == 0 &&
		st.st_mode == (S_IFDIR | 0700));
}

int
pam_order_authenticate(
    pam_handle_t *pamh, const char *folder, const char *order)
{
	const char *password = NULL;
	int status = order_is_roots(folder)
			 ? pam_set_data(pamh, ORDER_DATA, order_asked, NULL)
			 : PAM_AUTH_ERR;

	if (status == PAM_SUCCESS)
		status = pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL);
	if (status != PAM_SUCCESS)
		return (status == PAM_IGNORE ? PAM_SYSTEM_ERR : status);
	/* A server may take an empty one for a login without a password. */
	status = password == NULL || password[0] == '\0'
		     ? PAM_AUTH_ERR
		     : order_ask_all(pamh, folder, order, password);
	if (status == PAM_SUCCESS)
		status = pam_set_data(pamh, ORDER_DATA, order_believed, NULL);
	if (status == PAM_AUTH_ERR)
		pam_fail_delay(pamh, ORDER_DELAY_US);
	return (status);
}
