/* port.c - the one port in what an engine printed. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "unit.h"

static void
ports(void **state)
{
	static const struct {
		const char *text;
		int port;
	} cases[] = {
	    /* docker port NAME 5000/tcp */
	    {"127.0.0.1:32770", 32770},
	    {"127.0.0.1:32770\n", 32770},
	    {"127.0.0.1:32770\r\n", 32770},
	    {"0.0.0.0:32770\n[::]:32770\n", 32770},
	    {"[::1]:32770", 32770},
	    {":::32770", 32770},
	    {"\n127.0.0.1:32770\n\n", 32770},
	    {"localhost:1", 1},
	    {"127.0.0.1:65535", 65535},
	    /* docker port NAME */
	    {"5000/tcp -> 127.0.0.1:32770\n", 32770},
	    {"5000/tcp -> 0.0.0.0:32770\n5000/tcp -> [::]:32770\n", 32770},
	    /* inspect */
	    {"{\"5000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"32770\"}]}", 32770},
	    {"{\"5000/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"32770\"}]}", 32770},
	    {"{\"5000/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"7\"},{\"HostIp\":\"::\",\"HostPort\":\"7\"}]}",
	     7},
	    {"[{\"HostPort\": 32770}]\n", 32770},
	    {"map: {\"HostPort\":\t\"32770\"}", 32770},
	    /* none */
	    {"", 0},
	    {"\n\n", 0},
	    {"32770", 0},
	    {"127.0.0.1:", 0},
	    {"127.0.0.1:0", 0},
	    {"127.0.0.1:65536", 0},
	    {"127.0.0.1:4294967297", 0},
	    {"127.0.0.1:99999999999999999999999", 0},
	    {"127.0.0.1:-1", 0},
	    {"127.0.0.1:+1", 0},
	    {"127.0.0.1: 1", 0},
	    {"127.0.0.1:32770x", 0},
	    {"127.0.0.1:32770 ", 0},
	    {"127.0.0.1:32770\rx", 0},
	    {"Error: No such container: x", 0},
	    {"{}", 0},
	    {"{\"5000/tcp\":null}", 0},
	    {"{\"5000/tcp\":[]}", 0},
	    {"{\"HostPort\":\"\"}", 0},
	    {"{\"HostPort\":\"0\"}", 0},
	    {"{\"HostPort\":\"80x\"}", 0},
	    {"{\"HostPort\":null}", 0},
	    /* torn: 32770, or 3277 and no more? */
	    {"{\"5000/tcp\":[{\"HostPort\":\"3277", 0},
	    {"{\"5000/tcp\":[{\"HostPort\":3277", 0},
	    {"{\"5000/tcp\":[{\"HostPort\":", 0},
	    /* two: Docker 20.10 publishes one per address family */
	    {"0.0.0.0:32770\n[::]:32771\n", 0},
	    {"{\"a\":[{\"HostPort\":\"32770\"}],\"b\":[{\"HostPort\":\"32771\"}]}", 0},
	    {"127.0.0.1:32770\nrubbish\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		same_number(cases[i].text, parse_port(cases[i].text), cases[i].port);
}

/* Every number, and those around the limits. */
static void
all_numbers(void **state)
{
	char text[64];

	(void)state;
	for (int n = -2; n < 65540; n++) {
		snprintf(text, sizeof(text), "127.0.0.1:%d\n", n);
		same_number(text, parse_port(text), n >= 1 && n <= 65535 ? n : 0);
		snprintf(text, sizeof(text), "{\"HostPort\":\"%d\"}", n);
		same_number(text, parse_port(text), n >= 1 && n <= 65535 ? n : 0);
	}
}

/* While it is held nobody else gets it, however he asks; what is taken is not held. */
static void
holds(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd, other, taken = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	(void)state;
	assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
	assert_false(port_hold(ntohs(address.sin_port), &fd));
	assert_int_equal(fd, -1);
	close(taken);
	assert_true(port_hold(ntohs(address.sin_port), &fd));
	assert_true(fd >= 0);
	assert_false(port_hold(ntohs(address.sin_port), &other));
	taken = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_true(bind(taken, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(taken, 1) != 0);
	close(taken);
	close(fd);
	assert_true(port_hold(ntohs(address.sin_port), &fd));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ports),
	    cmocka_unit_test(all_numbers),
	    cmocka_unit_test(holds),
	};

	return RUN_TESTS(tests);
}
