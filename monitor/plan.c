/*
 * Taking a plan, message by message. Monitor (root). The planner parses and
 * reads what others write, and so is not believed: what it says is held against
 * the kinds of service, against itself, and against what root would never run.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/state.h"
#include "lib/escape.h"
#include "lib/fd.h"
#include "lib/prefix.h"
#include "monitor/plan.h"

struct plan *
plan_new(void)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	for (int i = 0; plan != NULL && i < PLAN_TEXTS; i++)
		plan->texts[i] = -1;
	return (plan);
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (unsigned i = 0; i < plan->service_count; i++) {
		free(plan->services[i].program);
		free(plan->services[i].options);
	}
	for (int i = 0; i < PLAN_TEXTS; i++)
		fd_close(&plan->texts[i]);
	explicit_bzero(plan->asked, sizeof(plan->asked));
	free(plan->services);
	free(plan->notes);
	free(plan);
}

struct plan_service *
plan_find(const struct plan *plan, const char *name)
{
	for (unsigned i = 0; plan != NULL && i < plan->service_count; i++) {
		if (strcmp(plan->services[i].is.name, name) == 0)
			return (&plan->services[i]);
	}
	return (NULL);
}

/* --- notes -----------------------------------------------------------------
 */

const struct msg_plan_note *
plan_error(const struct plan *plan)
{
	for (size_t i = 0; i < plan->note_count; i++) {
		if (plan->notes[i].error)
			return (&plan->notes[i]);
	}
	return (NULL);
}

static bool
plan_add_note(struct plan *plan, const struct msg_plan_note *note)
{
	struct msg_plan_note *notes;

	/* Powers of two are where there is no room left. */
	if ((plan->note_count & (plan->note_count - 1)) == 0) {
		size_t room = plan->note_count == 0 ? 1 : 2 * plan->note_count;

		notes = reallocarray(plan->notes, room, sizeof(*notes));
		if (notes == NULL)
			return (false);
		plan->notes = notes;
	}
	plan->notes[plan->note_count++] = *note;
	return (true);
}

/* Only what can be printed as it is: the planner has escaped the rest. */
static bool
plan_is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return (false);
	}
	return (true);
}

static const char *
take_note(struct plan *plan, const struct msg_plan_note *note)
{
	if (plan->note_count >= PLAN_NOTES_MAX)
		return ("too many notes");
	if (!plan_is_printable(note->text) || !plan_is_printable(note->file) ||
	    !plan_is_printable(note->service))
		return ("a note that cannot be printed");
	return (plan_add_note(plan, note) ? NULL : "out of memory");
}

/* --- the whole -------------------------------------------------------------
 */

static bool
plan_is_sealed(int fd)
{
	const int seals =
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;

	return (fcntl(fd, F_GET_SEALS) == seals && fstat(fd, &st) == 0 &&
		st.st_size <= PLAN_TEXT_MAX);
}

static const char *
take_plan(struct plan *plan, bool retry, struct ipc_in *in)
{
	const struct msg_plan *m = &in->msg.plan;

	if (plan->services != NULL)
		return ("a second PLAN");
	if (m->role_uid_low > m->role_uid_high || (retry && m->services > 1))
		return ("a PLAN that contradicts itself");
	for (int i = 0; i < PLAN_TEXTS; i++) {
		if (!plan_is_sealed(in->fds[i]))
			return ("a text that is not sealed");
	}
	/* One more: no services are no NULL. */
	plan->services = calloc(m->services + 1u, sizeof(*plan->services));
	if (plan->services == NULL)
		return ("out of memory");
	plan->is = *m;
	memcpy(plan->texts, in->fds, sizeof(plan->texts));
	in->nfds = 0;
	return (NULL);
}

static const char *
take_role(struct plan *plan, const struct msg_plan_role *m)
{
	struct plan_role *r = &plan->roles[m->role];

	if (plan->services == NULL || plan->service_count > 0 || r->uid != 0)
		return ("a role twice, or in the wrong place");
	r->uid = m->uid;
	r->gid = m->gid;
	r->account = m->account != 0;
	return (NULL);
}

/* It goes into a file of words as it is. */
static bool
plan_is_word(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || *p == '#')
			return (false);
	}
	return (text[0] != '\0');
}

static const char *
take_asked(
    struct plan *plan, enum plan_what what, const struct msg_plan_asked *m)
{
	if (plan->services == NULL || plan->service_count > 0 ||
	    what == PLAN_RETRY || plan->asked_count == PLAN_ASKED_MAX)
		return ("a server more, or in the wrong place");
	if (m->address.port == 0 || m->address.family >= FAMILY_COUNT ||
	    !plan_is_word(m->secret))
		return ("a server without a port or a secret");
	plan->asked[plan->asked_count++] = *m;
	return (NULL);
}

/* --- services --------------------------------------------------------------
 */

/* The service that messages of its own follow; NULL for none. */
static struct plan_service *
plan_last(const struct plan *plan)
{
	return (plan->service_count == 0
		    ? NULL
		    : &plan->services[plan->service_count - 1]);
}

static bool
plan_is_sshd(const char *path)
{
	static const char *const paths[] = {PLAN_SSHDS};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(paths[i], path) == 0)
			return (true);
	}
	return (false);
}

/* A name goes into files, paths and lists as it is. */
static bool
plan_is_label(const char *text)
{
	return (text[0] != '.' && text[0] != '-' &&
		text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-")] == '\0');
}

/* Kinds have names of their own; programs, none of these. */
static bool
plan_name_fits(const struct msg_plan_service *m)
{
	const struct service_traits *traits =
	    service_traits((enum service_kind)m->kind);

	if (traits->by != BY_PROGRAM)
		return (strcmp(m->name, traits->word) == 0);
	for (int kind = 0; kind < SERVICE_COUNT; kind++) {
		const struct service_traits *t =
		    service_traits((enum service_kind)kind);

		if (t->by != BY_PROGRAM && strcmp(m->name, t->word) == 0)
			return (false);
	}
	return (m->name[0] != '\0' && plan_is_label(m->name));
}

/* Whether what the service is made of came, and nothing that it has not. */
static const char *
plan_judge_service(const struct plan_service *s)
{
	const struct service_traits *traits =
	    service_traits((enum service_kind)s->is.kind);
	bool runs = s->is.waiting[0] == '\0' && traits->served;
	bool has_options =
	    traits->by == BY_WORKER && traits->served && traits->logins != 0;

	if (s->address_count == 0)
		return ("a service without an address");
	if (!s->protects)
		return ("a service without protection");
	if (traits->by == BY_PROGRAM ? (s->program == NULL) == runs
				     : s->program != NULL)
		return ("a service with another's program");
	if ((s->options != NULL) != has_options)
		return ("a service with another's options");
	if (traits->by == BY_SSHD && runs ? !plan_is_sshd(s->is.sshd)
					  : s->is.sshd[0] != '\0')
		return ("a program that is not the system's sshd");
	return (NULL);
}

/* It goes into an environment; PAM's module knows these. */
static bool
plan_is_order(const char *order)
{
	static const char *const methods[] = {"radius", "tacplus", "password"};
	size_t n, i;

	for (; *order != '\0'; order += n + (order[n] == ',')) {
		n = strcspn(order, ",");
		for (i = 0; i < 3; i++) {
			if (strlen(methods[i]) == n &&
			    memcmp(methods[i], order, n) == 0)
				break;
		}
		if (i == 3)
			return (false);
	}
	return (true);
}

static const char *
take_service(struct plan *plan, enum plan_what what, const char *service,
    const struct msg_plan_service *m)
{
	const struct plan_service *last = plan_last(plan);
	const char *why = last != NULL ? plan_judge_service(last) : NULL;

	if (plan->services == NULL || plan->service_count == plan->is.services)
		return ("a service more than were said");
	if (why != NULL)
		return (why);
	if (!plan_name_fits(m) || plan_find(plan, m->name) != NULL)
		return ("a service's name that is another's");
	if (what == PLAN_RETRY && strcmp(m->name, service) != 0)
		return ("a service that was not asked for");
	if (m->waiting[0] != '\0' &&
	    ((what != PLAN_START && what != PLAN_RETRY) ||
		!plan_is_printable(m->waiting)))
		return ("a service that waits");
	if (!plan_is_label(m->pam_service))
		return ("a PAM service's name that is none");
	if (!plan_is_order(m->order))
		return ("an authentication-order of other methods");
	plan->services[plan->service_count++].is = *m;
	return (NULL);
}

static const char *
take_address(struct plan *plan, const struct addr *address)
{
	struct plan_service *s = plan_last(plan);

	if (s == NULL || s->address_count == PLAN_ADDRESSES_MAX ||
	    address->port != s->is.port || address->family >= FAMILY_COUNT)
		return ("an address of no service");
	s->addresses[s->address_count++] = *address;
	return (NULL);
}

/* --- programs --------------------------------------------------------------
 */

/* How many texts a list has; 0 when it does not end in NUL. */
static unsigned
plan_count_texts(const uint8_t *b, size_t n)
{
	unsigned count = 0;

	if (n > 0 && b[n - 1] != '\0')
		return (0);
	for (size_t i = 0; i < n; i++)
		count += b[i] == '\0';
	return (count);
}

static bool
plan_environment_fits(const struct msg_program *m)
{
	const char *p = (const char *)m->environment.b;
	const char *end = p + m->environment.n;

	if (plan_count_texts(m->environment.b, m->environment.n) == 0)
		return (false);
	for (; p < end; p += strlen(p) + 1) {
		if (p[0] == '=' || strchr(p, '=') == NULL)
			return (false);
	}
	return (true);
}

/* As an ordinary user it runs as that user; as root never as nobody said. */
static bool
plan_ids_fit(const struct msg_program *m)
{
	bool own = m->uid == UINT32_MAX;

	if (geteuid() != 0 && (!own || m->gid != UINT32_MAX))
		return (false);
	if (!own && (m->gid == UINT32_MAX || m->groups.n == 0))
		return (false);
	return (m->groups.n % sizeof(gid_t) == 0 && !(own && m->groups.n > 0));
}

static const char *
take_program(struct plan *plan, const struct msg_program *m)
{
	struct plan_service *s = plan_last(plan);

	if (s == NULL || s->program != NULL)
		return ("a program of no service");
	if (m->path[0] != '/' || plan_count_texts(m->argv.b, m->argv.n) == 0 ||
	    !plan_environment_fits(m) || !plan_ids_fit(m) ||
	    m->rlimits.n % sizeof(struct program_rlimit) != 0 ||
	    m->datagram != s->is.datagram || m->wait != s->is.wait)
		return ("a program that contradicts itself");
	s->program = malloc(sizeof(*m));
	if (s->program == NULL)
		return ("out of memory");
	*s->program = *m;
	return (NULL);
}

/* The master ends at a list that it cannot read. */
static bool
plan_prefixes_fit(const uint8_t *b, size_t n)
{
	struct prefix p;

	for (size_t i = 0; i + PREFIX_WIRE <= n; i += PREFIX_WIRE) {
		if (!prefix_get(&p, b + i))
			return (false);
	}
	return (n % PREFIX_WIRE == 0);
}

static const char *
take_protection(struct plan *plan, const struct msg_protection *m)
{
	struct plan_service *s = plan_last(plan);

	if (s == NULL || s->protects)
		return ("protection of no service");
	if (!plan_prefixes_fit(m->allow.b, m->allow.n) ||
	    !plan_prefixes_fit(m->deny.b, m->deny.n) ||
	    !plan_prefixes_fit(m->reserved.b, m->reserved.n) ||
	    !plan_prefixes_fit(m->exempt.b, m->exempt.n))
		return ("a network that is none");
	s->protection = *m;
	s->protects = true;
	return (NULL);
}

static const char *
take_options(struct plan *plan, const struct msg_login_options *m)
{
	struct plan_service *s = plan_last(plan);

	if (s == NULL || s->options != NULL)
		return ("options of no service");
	s->options = malloc(sizeof(*m));
	if (s->options == NULL)
		return ("out of memory");
	*s->options = *m;
	return (NULL);
}

static const char *
take_user(struct plan *plan, enum plan_what what, const struct msg_plan_user *m)
{
	if (plan->has_user || (what != PLAN_START && what != PLAN_USER))
		return ("a user who was not asked for");
	if ((m->found && (m->name[0] == '\0' || m->uid == UINT32_MAX)) ||
	    !plan_is_printable(m->why))
		return ("a user without a name or a uid");
	plan->user = *m;
	plan->has_user = true;
	return (NULL);
}

/* One that was asked for a user brings no plan. */
static const char *
take_user_done(struct plan *plan, const struct msg_plan_done *m)
{
	plan->whole = plan->has_user && plan->note_count == 0 &&
		      plan->services == NULL && !m->refused && m->errors == 0;
	return (plan->whole ? NULL : "no user, or more than a user");
}

static const char *
take_done(struct plan *plan, const struct msg_plan_done *m)
{
	const struct plan_service *last = plan_last(plan);
	const char *why = last != NULL ? plan_judge_service(last) : NULL;
	bool error = plan_error(plan) != NULL;

	plan->done = *m;
	plan->whole = true;
	if (m->refused)
		return (
		    error && m->errors > 0 ? NULL : "no error of a refusal");
	if (plan->services == NULL || error || m->errors > 0 ||
	    plan->service_count != plan->is.services)
		return ("a plan that is not whole");
	return (why);
}

bool
plan_take(struct plan *plan, enum plan_what what, const char *name,
    struct ipc_in *in, const char **why)
{
	switch (in->type) {
	case MSG_PLAN_NOTE:
		*why = take_note(plan, &in->msg.plan_note);
		break;
	case MSG_PLAN:
		*why = take_plan(plan, what == PLAN_RETRY, in);
		break;
	case MSG_PLAN_ROLE:
		*why = take_role(plan, &in->msg.plan_role);
		break;
	case MSG_PLAN_ASKED:
		*why = take_asked(plan, what, &in->msg.plan_asked);
		break;
	case MSG_PLAN_SERVICE:
		*why = take_service(plan, what, name, &in->msg.plan_service);
		break;
	case MSG_PLAN_ADDRESS:
		*why = take_address(plan, &in->msg.plan_address.address);
		break;
	case MSG_PROGRAM:
		*why = take_program(plan, &in->msg.program);
		break;
	case MSG_PROTECTION:
		*why = take_protection(plan, &in->msg.protection);
		break;
	case MSG_LOGIN_OPTIONS:
		*why = take_options(plan, &in->msg.login_options);
		break;
	case MSG_PLAN_USER:
		*why = take_user(plan, what, &in->msg.plan_user);
		break;
	case MSG_PLAN_DONE:
		*why = what == PLAN_USER
			   ? take_user_done(plan, &in->msg.plan_done)
			   : take_done(plan, &in->msg.plan_done);
		break;
	default:
		*why = "no message of a planner's";
		break;
	}
	if (*why != NULL)
		plan->whole = false;
	return (*why == NULL);
}

bool
plan_same_message(enum msg_type type, const void *a, const void *b)
{
	static uint8_t one[IPC_MESSAGE_MAX], other[IPC_MESSAGE_MAX];
	int n, m;

	if (a == NULL || b == NULL)
		return (a == b);
	n = msg_encode(type, a, one, sizeof(one));
	m = msg_encode(type, b, other, sizeof(other));
	return (n > 0 && n == m && memcmp(one, other, (size_t)n) == 0);
}
