/* authentication-order and its servers. */
#include "tests/stage/conf.h"

#define S "system {\n"
#define E "\n}\n"
#define RADIUS "radius-server 192.0.2.1 { secret s; }\n"

static void
test_servers(void **state)
{
	struct parsed p = parse_ok(
	    S "radius-server 192.0.2.1 { secret \"s3cret\"; port 1645; "
	      "timeout 7; retry 2; }\n"
	      "radius-server 2001:db8::1 { secret x; }\n"
	      "tacplus-server 192.0.2.9 { secret y; }\n"
	      "authentication-order [ tacplus radius ];\n"
	      "services { telnet { listen-address 127.0.0.1; }\n"
	      "ssh { authentication-order password; } }" E);
	const struct conf *c = p.conf;

	(void)state;
	assert_int_equal(c->radius.count, 2);
	assert_int_equal(c->radius.servers[0].port, 1645);
	assert_int_equal(c->radius.servers[0].timeout, 7);
	assert_int_equal(c->radius.servers[0].retry, 2);
	assert_string_equal(c->radius.servers[0].secret, "s3cret");
	assert_int_equal(c->radius.servers[0].address.bytes[3], 1);
	assert_int_equal(c->radius.servers[1].port, 1812);
	assert_int_equal(c->radius.servers[1].timeout, 3);
	assert_int_equal(c->radius.servers[1].retry, 3);
	assert_int_equal(c->radius.servers[1].address.family, FAMILY_INET6);
	assert_int_equal(c->tacplus.count, 1);
	assert_int_equal(c->tacplus.servers[0].port, 49);
	assert_int_equal(c->services[0].login.authentication_order.count, 2);
	assert_string_equal(
	    c->services[0].login.authentication_order.words[0], "tacplus");
	/* The host's own PAM. */
	assert_int_equal(c->services[1].login.authentication_order.count, 0);
	assert_true(conf_asks(c, "radius"));
	parsed_free(&p);
}

static void
test_faults(void **state)
{
	(void)state;
	EXPECT(S "radius-server 192.0.2.1;\n"
		 "services { ssh { authentication-order radius; } }" E,
	    ERROR(2, 1, "radius-server 192.0.2.1 has no secret"));
	EXPECT(S "services { ssh { authentication-order radius; } }" E,
	    ERROR(2, 18, "there is no `system radius-server ADDRESS`"));
	EXPECT(S "authentication-order [ password tacplus ];" E,
	    ERROR(2, 1, "there is no `system tacplus-server ADDRESS`"));
	EXPECT(S "services { ssh; }\n" RADIUS E,
	    WARNING(3, 1, "radius-server is never asked"));
	EXPECT(S "radius-server 192.0.2.1 { secret \"a b\"; }\n"
		 "services { ssh { authentication-order radius; } }" E,
	    ERROR(2, 1, "its secret may contain only"));
	EXPECT(S "radius-server radius.example.com { secret s; }\n"
		 "services { ssh; }" E,
	    ERROR(2, 15, "no address of IPv4 or IPv6"));
	EXPECT(S "services { ssh { authentication-order kerberos; } }" E,
	    ERROR(2, 39, "kerberos"));
}

static void
test_secret_is_masked(void **state)
{
	struct parsed p = parse_ok(
	    S RADIUS "services { ssh { authentication-order radius; } }" E);
	char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(conf_render(p.conf, CONF_SET, true, &text, &n), 0);
	assert_non_null(strstr(
	    text, "set system radius-server 192.0.2.1 secret \"********\""));
	free(text);
	parsed_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_servers),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_secret_is_masked),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
