/*
 * What the statements of ssh say together, and no one of them alone. Pure:
 * the host is asked in check_host_ssh.c. Planner and CLI.
 */
#include "conf/build.h"
#include "conf/sshd/column.h"

/* sshd refuses one of them without the other, and names its own keywords. */
static void
ssh_check_keys_command(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	bool command =
	    tree_is_written(conf->tree, s, "authorized-keys-command");
	bool user =
	    tree_is_written(conf->tree, s, "authorized-keys-command-user");

	if (command && !user)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "authorized-keys-command"),
		    "authorized-keys-command needs "
		    "`authorized-keys-command-user NAME;`: the user that the "
		    "program runs as");
	if (user && !command)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, s, "authorized-keys-command-user"),
		    "authorized-keys-command-user needs "
		    "`authorized-keys-command \"PATH\";`");
}

/* sshd looks for principals only in what such a CA has signed. */
static void
ssh_check_principals(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	static const char *const names[] = {
	    "authorized-principals-file", "authorized-principals-command"};

	if (tree_is_written(conf->tree, s, "trusted-user-ca-key-file"))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (tree_find_stated(conf->tree, s, names[i]) != NULL)
			conf_report_add(report, CONF_WARNING,
			    conf_statement_pos(conf, s, names[i]),
			    "%s has no effect without "
			    "`trusted-user-ca-key-file PATH;`",
			    names[i]);
	}
}

static void
ssh_check_hostkeys(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	for (int i = 0; i < HOSTKEY_COUNT; i++) {
		if (column_has_hostkey(&s->ssh, (enum conf_hostkey)i))
			return;
	}
	conf_report_add(report, CONF_ERROR,
	    conf_statement_pos(conf, s, "no-ssh-ed25519"),
	    "hostkey-algorithm leaves no kind of host key: nobody could "
	    "connect");
}

void
check_ssh(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report)
{
	ssh_check_keys_command(conf, s, report);
	ssh_check_principals(conf, s, report);
	ssh_check_hostkeys(conf, s, report);
}
