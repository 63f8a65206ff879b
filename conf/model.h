/*
 * What a configuration says, as plain structs: what the daemon binds, starts
 * and limits. Knows nothing of files, tokens or statements. Built by conf/,
 * read by the planner (root), by policy/ and by the CLI. Everything in it was
 * checked before anybody sees it; it never holds what is inactive.
 */
#ifndef PORTREEVE_CONF_MODEL_H
#define PORTREEVE_CONF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/prefix.h"
#include "lib/role.h"

#define CONF_SERVICES_MAX 128 /* services of one configuration */
#define CONF_LISTEN_MAX 16    /* addresses of one service */
#define CONF_ARGV_MAX 64      /* words of `exec`, the program's own included */
#define CONF_ENV_MAX 64	      /* `environment` statements of a service */
#define CONF_RLIMIT_MAX 16    /* `rlimit` statements of a service */
#define CONF_PAM_SERVICE_MAX 65	  /* bytes of a PAM service's name, and a NUL */
#define CONF_WORDS_MAX 64	  /* words of a list */
#define CONF_WORD_MAX 64	  /* bytes of one of them, and a NUL */
#define CONF_CLIENTS_MAX 64	  /* outbound-ssh clients */
#define CONF_SERVERS_MAX 16	  /* addresses of one outbound-ssh client */
#define CONF_ASKED_MAX 8	  /* radius-server statements; tacplus-server */
#define CONF_ASKED_SECRET_MAX 128 /* bytes of what such a server knows */

enum conf_root_login {
	ROOT_LOGIN_ALLOW,
	ROOT_LOGIN_DENY,
	ROOT_LOGIN_DENY_PASSWORD
};

enum conf_session_sandbox {
	CONF_SESSION_NONE,
	CONF_SESSION_STANDARD,
	CONF_SESSION_STRICT
};

enum conf_sandbox_level {
	CONF_SANDBOX_FULL,
	CONF_SANDBOX_ROOTLESS,
	CONF_SANDBOX_LANDLOCK_OPTIONAL
};

enum conf_protocol { CONF_TCP, CONF_UDP };

/* `protocol` as it is written, in the order of its words. */
enum conf_transport {
	CONF_OF_TCP,
	CONF_OF_UDP,
	CONF_OF_TCP4,
	CONF_OF_TCP6,
	CONF_OF_UDP4,
	CONF_OF_UDP6
};

enum conf_error { CONF_ERROR_LOG, CONF_ERROR_CONNECTION };

enum conf_strategy { CONF_IN_ORDER, CONF_STICKY };

/* Where in the file, counted from 1; 0, 0 where nothing was written. */
struct conf_pos {
	unsigned line;
	unsigned col; /* in bytes */
};

/* A list of words, in the order written; none: the statement is not there. */
struct conf_words {
	const char *words[CONF_WORDS_MAX];
	unsigned count;
};

/* What a source, or a crowd of them, may be held back by. */
enum conf_rule {
	RULE_SOURCE_LIMIT,
	RULE_SOURCE_RATE,
	RULE_EARLY_DROP,
	RULE_PENALTIES,
	CONF_RULES
};

/* Networks, in the order written. */
struct conf_prefixes {
	const struct prefix *at;
	unsigned count;
};

/* early-drop-range; full 0: not stated. */
struct conf_early {
	uint32_t start, full; /* connections that are not logged in */
	uint32_t rate;	      /* in a hundred, at the start */
};

/* Whom a service takes, and what one source may have of it. */
struct conf_sources {
	struct conf_prefixes allow, deny, reserved;
	uint32_t reserved_slots;   /* 0: none */
	uint32_t connection_limit; /* of one source; 0: none of its own */
	uint32_t rate_limit;	   /* the same */
	/* Where it differs from struct conf_protection: one of the two. */
	bool on[CONF_RULES], off[CONF_RULES];
	struct conf_early early;
};

/* What sshd does not take. */
struct conf_methods {
	bool no_passwords;
	bool no_password_authentication;
	bool no_challenge_response;
	bool no_public_keys;
};

/* The kinds of key that a host proves itself by. */
enum conf_hostkey {
	HOSTKEY_ED25519,
	HOSTKEY_ECDSA,
	HOSTKEY_RSA,
	HOSTKEY_DSS,
	HOSTKEY_COUNT
};

/* Where a relative authorized-principals-file is. */
#define CONF_PRINCIPALS_FOLDER "/var/etc"

struct conf_ssh {
	struct conf_methods methods;
	bool sftp_server;
	bool tcp_forwarding;
	uint32_t client_alive_interval; /* seconds; 0: none */
	uint32_t client_alive_count_max;
	uint32_t max_sessions;	  /* per connection */
	uint32_t max_pre_packets; /* packets before authentication */
	bool log_key_changes;
	/* From its default, which is off for DSS and on for the others. */
	bool hostkey_differs[HOSTKEY_COUNT];
	uint32_t rekey_data;	 /* bytes; 0: as the cipher asks */
	uint32_t rekey_time;	 /* minutes; 0: never */
	const char *sshd_config; /* absolute path, or NULL */
	struct conf_words ciphers;
	struct conf_words macs;
	struct conf_words key_exchange;
	/* Absolute path and words, or NULL. */
	const char *keys_command, *principals_command;
	const char *keys_command_user;
	/* Absolute paths, or NULL; the second may be relative (schema.def). */
	const char *user_ca, *principals_file, *host_certificate;
	struct conf_words options; /* lines of sshd_config */
};

#define CONF_BANNER_MAX 4096 /* bytes of a banner that are shown */

/* Of every service by which users log in. */
struct conf_login {
	enum conf_root_login root_login;
	const char *pam_service; /* NULL where nobody logs in */
	/* Its own, or system's; none where the host's own PAM is all. */
	struct conf_words authentication_order;
	bool log_unknown_users;
	uint32_t login_grace_time; /* seconds */
	uint32_t idle_timeout;	   /* seconds; 0: none */
	const char *banner;	   /* absolute path, or NULL */
};

struct conf_finger {
	bool list_users;
	bool show_details;
};

struct conf_rlimit {
	int resource;	     /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY: unlimited */
};

/* The statement `service NAME`. */
struct conf_exec {
	enum conf_transport transport; /* says this and `without`, below */
	enum conf_protocol protocol;
	bool wait;
	bool detach;
	bool keepalive;			     /* of tcp */
	enum conf_error error;		     /* where descriptor 2 goes */
	uint32_t session_timeout;	     /* seconds; 0: none */
	const char *user;		     /* NULL: a uid of its own */
	const char *group;		     /* NULL: the user's own */
	const char *program_name;	     /* NULL: path's last part */
	const char *path;		     /* absolute; what is executed */
	const char *argv[CONF_ARGV_MAX + 1]; /* [0]: as program_name says */
	unsigned argc;
	const char *env[CONF_ENV_MAX + 1]; /* NAME=VALUE, NULL at the end */
	unsigned env_count;
	struct conf_rlimit rlimits[CONF_RLIMIT_MAX];
	unsigned rlimit_count;
	int nice;
	uint32_t umask;
};

/* One active service. Members of other kinds than its own are zero. */
struct conf_service {
	enum service_kind kind;
	char name[SERVICE_NAME_MAX]; /* as in events: "ssh", or `service`'s */
	struct conf_pos pos;	     /* of its block */
	uint16_t port;
	struct addr listen[CONF_LISTEN_MAX]; /* the port set in each */
	unsigned listen_count;		     /* never 0 */
	bool listen_default;	    /* no listen-address: 0.0.0.0 and :: */
	bool without[FAMILY_COUNT]; /* protocol tcp4 has no inet6, and so on */
	bool extended_limits;	    /* its own or the configuration's */
	uint32_t connection_limit;  /* per family */
	uint32_t rate_limit;	    /* per family, in any 60 s */
	struct conf_sources sources;
	struct conf_login login;
	struct conf_ssh ssh;
	struct conf_finger finger;
	struct conf_exec exec;
};

/* One server of an outbound-ssh client, in the order written. */
struct conf_server {
	const char *host; /* IPv4, IPv6 or a name */
	uint16_t port;
	uint32_t retry;
	uint32_t timeout; /* seconds */
};

struct conf_client {
	const char *id; /* local name, never sent */
	struct conf_pos pos;
	const char *device_id;
	const char *secret; /* NULL: none. Never to be logged */
	bool keep_alive;
	uint32_t keep_alive_retry;
	uint32_t keep_alive_timeout; /* seconds */
	enum conf_strategy strategy;
	bool netconf; /* services netconf */
	struct conf_server servers[CONF_SERVERS_MAX];
	unsigned server_count;
};

/* A server of authentication-order. */
struct conf_asked {
	struct addr address; /* the port is apart */
	struct conf_pos pos;
	const char *secret; /* NULL: none. Never to be logged */
	uint16_t port;
	uint32_t timeout; /* seconds */
	uint32_t retry;	  /* of radius */
};

/* The servers of one kind, in the order written. */
struct conf_askeds {
	struct conf_asked servers[CONF_ASKED_MAX];
	unsigned count;
};

/* What keeps one source, or a crowd before login, from all the slots. */
struct conf_protection {
	bool off[CONF_RULES];
	bool no_exempt;
	struct conf_prefixes exempt; /* none: loopback, unless no_exempt */
	struct conf_early early;
	uint32_t inet_prefix, inet6_prefix; /* bits that make a source */
};

struct conf_tree;

struct conf {
	uint32_t login_limit; /* logins being made at a time */
	bool keep_sessions;
	enum conf_session_sandbox session_sandbox;
	enum conf_sandbox_level sandbox_level;
	bool extended_limits;
	struct conf_protection protection;
	struct conf_words authentication_order; /* where a service has none */
	struct conf_askeds radius, tacplus;
	uint32_t user_limit_processes; /* 0: none */
	uint32_t user_limit_sessions;  /* 0: none */
	uint32_t role_uid_low;	       /* uids of roles without an account */
	uint32_t role_uid_high;
	const char *netconf_subsystem; /* command, or NULL */
	const char *routing_instance;  /* of outbound-ssh, or NULL */
	struct conf_service *services; /* active ones, in the order written */
	unsigned service_count;
	struct conf_client *clients;
	unsigned client_count;
	struct conf_tree *tree; /* conf/'s own: for rendering and positions */
};

#endif
