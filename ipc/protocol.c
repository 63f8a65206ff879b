/*
 * The protocol between programs of different builds, as a number, and its
 * HELLO. Any process; believes of a HELLO only what the codec has checked.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ipc/protocol.h"
#include "lib/err.h"

#define R(role) (1u << ROLE_##role)
#define TEXT_OF(x) #x
#define TEXT(value) TEXT_OF(value)

/* A row of ipc/between.def, with what matters on the wire as text. */
static const struct {
	uint32_t roles;
	const char *text;
} protocol_rows[] = {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	{                                                                      \
		(from) | (to), #NAME " " #least " " #most
#define MSG_END(NAME, lower)                                                   \
	}                                                                      \
	,
#define MSG_U8(f, lo, hi) " u8 " #f " " TEXT(lo) " " TEXT(hi)
#define MSG_U16(f, lo, hi) " u16 " #f " " TEXT(lo) " " TEXT(hi)
#define MSG_U32(f, lo, hi) " u32 " #f " " TEXT(lo) " " TEXT(hi)
#define MSG_U64(f, lo, hi) " u64 " #f " " TEXT(lo) " " TEXT(hi)
#define MSG_I32(f, lo, hi) " i32 " #f " " TEXT(lo) " " TEXT(hi)
#define MSG_STR(f, size) " str " #f " " TEXT(size)
#define MSG_BYTES(f, most) " bytes " #f " " TEXT(most)
#define MSG_ADDR(f) " addr " #f
#include "ipc/between.def"
#include "ipc/undef.h"
};

/* FNV-1a: no secret, and no enemy. */
static uint32_t
protocol_add(uint32_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return (hash);
}

uint32_t
ipc_protocol(enum role who)
{
	uint32_t hash = 2166136261u;
	char number[16];

	for (unsigned i = 0; i < sizeof(protocol_rows) / sizeof(*protocol_rows);
	     i++) {
		if ((protocol_rows[i].roles & 1u << who) == 0)
			continue;
		snprintf(number, sizeof(number), "%u ", i);
		hash = protocol_add(hash, number);
		hash = protocol_add(hash, protocol_rows[i].text);
	}
	return (hash);
}

int
ipc_greet(struct ipc_channel *ch)
{
	struct msg_hello hello = {.protocol = ipc_protocol(ch->self)};
	struct msg_pam_hello pam = {.protocol = hello.protocol};

	snprintf(hello.build, sizeof(hello.build), "%s", VERSION);
	snprintf(pam.build, sizeof(pam.build), "%s", VERSION);
	if (ch->self == ROLE_LOGIN)
		return (ipc_send(ch, MSG_PAM_HELLO, &pam, NULL, 0));
	return (ipc_send(ch, MSG_HELLO, &hello, NULL, 0));
}

int
ipc_judge_hello(struct ipc_channel *ch, const struct ipc_in *in)
{
	bool pam = in->type == MSG_PAM_HELLO;
	uint32_t theirs =
	    pam ? in->msg.pam_hello.protocol : in->msg.hello.protocol;
	uint32_t ours = ipc_protocol(ch->peer);
	struct msg_other_build other = {.end_ = 0};

	if (theirs == ours)
		return (0);
	snprintf(other.words, sizeof(other.words),
	    "%s is of build %.31s, protocol %08x, and the running daemon of "
	    "%s, protocol %08x: they are not compatible; restart the daemon "
	    "(systemctl restart portreeve), sessions go on",
	    pam ? "pam_portreeve.so" : "this command",
	    pam ? in->msg.pam_hello.build : in->msg.hello.build, theirs,
	    VERSION, ours);
	/* Who has gone needs no words. */
	(void)ipc_send(ch, MSG_OTHER_BUILD, &other, NULL, 0);
	return (ERR_BUILD);
}
