/* endpoint.c - where docker's client would connect to: every form of DOCKER_HOST that it takes. */
#include "engine/endpoint.h"

#include "unit.h"

static void
hosts(void **state)
{
	/* as docker 28.2 says them in "Cannot connect to the Docker daemon at ..." */
	static const struct {
		const char *text, *full;
		bool loopback, remote;
	} cases[] = {
	    {"", "unix:///var/run/docker.sock", false, false},
	    {" \t\n", "unix:///var/run/docker.sock", false, false},
	    {"unix://", "unix:///var/run/docker.sock", false, false},
	    {"unix:///run/x y.sock", "unix:///run/x y.sock", false, false},
	    {" unix:///run/x.sock \n", "unix:///run/x.sock", false, false},
	    {"unix://x.sock", "unix://x.sock", false, false},
	    {"tcp://", "tcp://localhost", true, false},
	    {":2375", "tcp://localhost:2375", true, false},
	    {"tcp://:2375", "tcp://localhost:2375", true, false},
	    {"127.0.0.1:2375", "tcp://127.0.0.1:2375", true, false},
	    {"127.0.0.1", "tcp://127.0.0.1", true, false},
	    {"localhost", "tcp://localhost", true, false},
	    {"tcp://LocalHost:2375", "tcp://LocalHost:2375", true, false},
	    {"tcp://127.255.0.1:1", "tcp://127.255.0.1:1", true, false},
	    {"tcp://127.0.0.1:2375/", "tcp://127.0.0.1:2375/", true, false},
	    {"tcp://127.0.0.1/x", "tcp://127.0.0.1/x", true, false},
	    {"tcp://0.0.0.0:2375", "tcp://0.0.0.0:2375", true, false},
	    {"[::1]:2375", "tcp://[::1]:2375", true, false},
	    {"tcp://[::1]", "tcp://[::1]", true, false},
	    {"tcp://[0:0::1]:1", "tcp://[0:0::1]:1", true, false},
	    {"tcp://[::ffff:127.0.0.1]:1", "tcp://[::ffff:127.0.0.1]:1", true, false},
	    {"tcp://[::]:1", "tcp://[::]:1", true, false},
	    {"192.0.2.1:2375", "tcp://192.0.2.1:2375", false, true},
	    {"tcp://far", "tcp://far", false, true},
	    {"tcp://127.example.com:2375", "tcp://127.example.com:2375", false, true},
	    {"tcp://localhost.example.com", "tcp://localhost.example.com", false, true},
	    {"tcp://127.1:1", "tcp://127.1:1", false, true},
	    {"tcp://[2001:db8::1]:1", "tcp://[2001:db8::1]:1", false, true},
	    {"ssh://user@far", "ssh://user@far", false, true},
	    {"npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine", false, false},
	    {"fd://3", "fd://3", false, false},
	    {"UNIX:///x", "UNIX:///x", false, false},
	    {"http://127.0.0.1:1", "http://127.0.0.1:1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *host = complete_host(cases[i].text);

		same_text(cases[i].text, host, cases[i].full);
		same_number(cases[i].text, is_loopback(host), cases[i].loopback);
		same_number(cases[i].text, is_remote(host), cases[i].remote);
		same_number(cases[i].text, socket_of(host) != NULL, strncmp(host, "unix://", 7) == 0);
		free(host);
	}
}

static void
sockets(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(socket_answers(path));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_false(socket_answers("nowhere"));
	assert_int_equal(errno, ENOENT);
	put_text("file", "");
	assert_false(socket_answers("file"));
	assert_int_equal(errno, ECONNREFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(sockets),
	};

	return RUN_TESTS(tests);
}
